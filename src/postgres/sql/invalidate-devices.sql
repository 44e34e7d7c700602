-- Invalidates devices by their tokens, but those that registered again since the provider knew. Answers whose they are.
--
-- $1 tokens   $2 since
update devices
set invalidated_at = now()
from unnest($1::text[], $2::timestamptz[]) as dead(token, since)
where devices.token = dead.token
  and devices.registered_at < dead.since
  and devices.invalidated_at is null
returning devices.user_id
