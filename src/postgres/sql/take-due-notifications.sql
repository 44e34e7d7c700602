-- The notifications of a lane whose time has come, earliest first, locked until the transaction ends; those that another
-- scheduler has locked are left to it.
--
-- $1 lane   $2 at most so many
select
  notification_id,
  source,
  day,
  pass,
  user_id,
  record,
  extract(epoch from (now() - due_at)) * 1000 as late_ms
from scheduled_notifications
where lane = $1::lane
  and due_at <= now()
order by due_at
limit $2::integer
for update skip locked
