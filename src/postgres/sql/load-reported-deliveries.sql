-- Deliveries of one day with whom they went to: for reports about them.
--
-- $1 day   $2 delivery ids
select
  delivery_id, notification_id, source, user_id, category, lane, channel, template_id, template_version, locale,
  state, hop, attempt, reason, next_due_at, lease_until, provider, provider_message_id, created_at, expires_at, updated_at,
  address
from deliveries
where day = $1::date
  and delivery_id = any($2::uuid[])
