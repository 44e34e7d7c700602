-- A page of what one person was sent and not sent: log rows in the order of their key, which never changes, the newest
-- day first; each once per delivery (once with nulls if it has none). No address.
--
-- By the index on user_id of each day since $3: what one person gets in some weeks is little enough to be sorted.
--
-- $1 user id   $2 source, or null for every source   $3 first day   $4 created not before   $5 decision or state of a
-- delivery, or null   $6, $7, $8 day, notification id and source of the last row before the page, or nulls
-- $9 at most so many notifications
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
  from notifications as own
  where own.user_id = $1::bigint
    and own.day >= $3::date
    and ($2::text is null or own.source = $2::text)
    and (own.created_at is null or own.created_at >= $4::timestamptz)
    and ($6::date is null or (own.day, own.notification_id, own.source) < ($6::date, $7::uuid, $8::text))
    and (
      $5::text is null
      or own.decision::text = $5::text
      or exists (
        select
        from deliveries as delivery
        where delivery.day = own.day
          and delivery.delivery_id = any(own.delivery_ids)
          and delivery.state::text = $5::text
      )
    )
  order by own.day desc, own.notification_id desc, own.source desc
  limit $9::integer
) as logged
left join lateral (
  select *
  from deliveries as delivery
  where delivery.day = logged.day
    and delivery.delivery_id = any(logged.delivery_ids)
  offset 0
) as planned on true
order by logged.day desc, logged.notification_id desc, logged.source desc,
  array_position(logged.delivery_ids, planned.delivery_id)
