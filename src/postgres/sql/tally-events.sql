-- How many notifications of each decision and deliveries of each state there are. Reads everything: for demos, tests and
-- people, on databases that can bear it.
select 'notification' as kind, null as channel, decision::text as state, count(*) as count
from notifications
group by decision
union all
select 'delivery', channel::text, state::text, count(*)
from deliveries
group by channel, state
