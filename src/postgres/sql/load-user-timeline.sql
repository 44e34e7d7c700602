-- Everything that one person was sent and not sent since a day: their log rows, newest first, each once per delivery
-- (once with nulls if it has none). No address: this is what operators print.
--
-- $1 user id   $2 first day   $3 at most so many notifications
select
  logged.notification_id,
  logged.source,
  logged.day,
  logged.user_id,
  logged.category,
  logged.lane,
  logged.pass,
  logged.decision,
  logged.reason as decision_reason,
  logged.detail,
  logged.deferred_until,
  logged.suppressed_channels,
  logged.created_at,
  logged.decided_at,
  logged.cancelled_at,
  planned.delivery_id,
  planned.channel,
  planned.template_id,
  planned.template_version,
  planned.locale,
  planned.state,
  planned.hop,
  planned.attempt,
  planned.reason,
  planned.provider,
  planned.provider_message_id,
  planned.lease_until,
  planned.next_due_at,
  planned.expires_at,
  planned.updated_at,
  planned.delivered_at,
  planned.bounced_at,
  planned.opened_at,
  planned.clicked_at,
  planned.unsubscribed_at
from (
  select *
  from notifications
  where user_id = $1::bigint
    and day >= $2::date
  order by day desc, decided_at desc
  limit $3::integer
) as logged
left join lateral (
  select *
  from deliveries as delivery
  where delivery.day = logged.day
    and delivery.delivery_id = any(logged.delivery_ids)
  offset 0
) as planned on true
order by logged.decided_at desc, logged.notification_id, logged.source,
  array_position(logged.delivery_ids, planned.delivery_id)
