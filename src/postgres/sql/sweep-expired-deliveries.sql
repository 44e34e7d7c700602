-- Settles some deliveries of one day whose time has long been over and that no lease covers. Nobody else's business:
-- rows that a claim or a settlement is at are skipped. A lease that ended without a result may have made its call, and
-- its row says so. An acceptance that comes later still outranks this.
--
-- $1 day   $2 ms that must have passed since the expiry   $3 limit
with overdue as materialized (
  select delivery_id
  from deliveries
  where day = $1::date
    -- Ranks below the first final state.
    and state < 'unknown'
    and expires_at < now() - $2::bigint * interval '1 millisecond'
    and (lease_until is null or lease_until < now())
  order by delivery_id
  limit $3::integer
  for update skip locked
)
update deliveries as delivery
set
  state = 'expired',
  reason = case delivery.state when 'claimed' then 'ambiguous' else 'past_expiry' end,
  lease_owner = null,
  lease_until = null,
  next_due_at = null,
  updated_at = now()
from overdue
where delivery.day = $1::date
  and delivery.delivery_id = overdue.delivery_id
returning
  delivery.delivery_id, delivery.notification_id, delivery.source, delivery.user_id, delivery.category, delivery.lane,
  delivery.channel, delivery.template_id, delivery.template_version, delivery.locale, delivery.state, delivery.hop,
  delivery.attempt, delivery.reason, delivery.next_due_at, delivery.lease_until, delivery.provider,
  delivery.provider_message_id, delivery.created_at, delivery.expires_at, delivery.updated_at
