-- The deliveries in some state, the one that changed last first, without their addresses. Reads every partition from
-- the first day on, since nothing that changes is indexed: for people, not for the hot path.
--
-- $1 state   $2 channel, or null for all   $3 events created since   $4 limit
select
  delivery_id, notification_id, source, user_id, category, lane, channel, template_id, template_version, locale,
  state, hop, attempt, reason, next_due_at, lease_until, provider, provider_message_id, created_at, expires_at, updated_at
from deliveries
where state = $1::delivery_state
  and ($2::channel is null or channel = $2::channel)
  and day >= ($3::timestamptz at time zone 'utc')::date
  and created_at >= $3::timestamptz
order by updated_at desc, delivery_id
limit $4::integer
