-- Deliveries of one day that are not final and that nothing has moved for too long: not changed, not due, not leased
-- since then. `greatest` passes over nulls.
--
-- $1 day   $2 ms without a move   $3 limit
select
  delivery_id, notification_id, source, user_id, category, lane, channel, template_id, template_version, locale,
  state, hop, attempt, reason, next_due_at, lease_until, provider, provider_message_id, created_at, expires_at, updated_at
from deliveries
where day = $1::date
  and state < 'unknown'
  and greatest(updated_at, next_due_at, lease_until) < now() - $2::bigint * interval '1 millisecond'
order by updated_at
limit $3::integer
