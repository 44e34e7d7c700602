-- Asks for a recount of some hours. After the rows have been committed, never in one statement with them: a count that
-- is under way would take the mark and not see the rows.
--
-- $1 moments
insert into funnel_hours_to_count (hour)
select distinct date_trunc('hour', moment)
from unnest($1::timestamptz[]) as marked(moment)
order by 1
on conflict do nothing
