-- Asks for a recount of the hours of one day in which a delivery has changed since a moment. Reads the day whole: nothing
-- that changes is indexed.
--
-- $1 day   $2 since
insert into funnel_hours_to_count (hour)
select distinct date_trunc('hour', created_at)
from deliveries
where day = $1::date
  and updated_at > $2::timestamptz
order by 1
on conflict do nothing
