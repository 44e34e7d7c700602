-- Everything that is known of a notification, over all days: its log rows, each once per delivery (once with nulls if
-- it has none). No address: this is what operators print.
--
-- $1 notification id   $2 source, or null for every source
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
from notifications as logged
left join lateral (
  select *
  from deliveries as delivery
  where delivery.day = logged.day
    and delivery.delivery_id = any(logged.delivery_ids)
  offset 0
) as planned on true
where logged.notification_id = $1::uuid
  and ($2::text is null or logged.source = $2::text)
order by logged.day, logged.source, array_position(logged.delivery_ids, planned.delivery_id)
