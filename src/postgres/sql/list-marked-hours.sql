-- The hours that are to be counted: this one and the last before the others, which wait their turn.
--
-- $1 at most so many
select hour
from funnel_hours_to_count
order by hour >= date_trunc('hour', now()) - interval '1 hour' desc, marked_at, hour
limit $1::integer
