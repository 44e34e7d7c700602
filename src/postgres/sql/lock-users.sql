-- The people whose devices or data change, in the order of their ids: after their devices and before all else of theirs.
-- Returns those that exist.
--
-- $1 user ids
select user_id
from users
where user_id = any($1::bigint[])
order by user_id
for update
