-- Every device that somebody wants to change: by its id, by its token, or because its person's list is to be whole. In
-- the order of the ids, so that two transactions over the same devices cannot deadlock.
--
-- $1 device ids   $2 tokens   $3 user ids
select device_id, user_id, token, registered_at
from devices
where device_id = any($1::uuid[])
  or token = any($2::text[])
  or user_id = any($3::bigint[])
order by device_id
for update
