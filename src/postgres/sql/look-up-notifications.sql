-- The log rows of some notification ids on some days, each once per delivery that it planned (once with nulls if none).
-- The caller tells sources and days apart: the primary key is led by the id, and ids are all but unique.
--
-- $1 notification ids   $2, $3 first and last day
--
-- A range of days and not a list: a generic plan skips partitions for `between`, but never for `= any`.
select
  logged.notification_id,
  logged.source,
  logged.day,
  logged.pass,
  logged.lane,
  logged.record_partition,
  logged.record_offset,
  logged.decision,
  logged.reason,
  logged.detail,
  logged.deferred_until,
  logged.content_hash,
  logged.suppressed_channels,
  logged.decided_at,
  logged.cancelled_at,
  planned.delivery_id,
  planned.channel,
  planned.lane as delivery_lane,
  planned.address,
  planned.device_id,
  planned.template_id,
  planned.template_version,
  planned.locale,
  planned.quiet_from,
  planned.quiet_until,
  planned.unknown_policy,
  planned.expires_at,
  planned.state
from notifications as logged
-- `offset 0` keeps this a subquery per log row, by primary key: pulled up, it may become a join over the whole day.
left join lateral (
  select *
  from deliveries as delivery
  where delivery.day = logged.day
    and delivery.delivery_id = any(logged.delivery_ids)
  offset 0
) as planned on true
where logged.notification_id = any($1::uuid[])
  and logged.day between $2::date and $3::date
-- In the order in which the router planned them, so that what is forwarded again is forwarded in the same order.
order by logged.notification_id, logged.source, logged.day, array_position(logged.delivery_ids, planned.delivery_id)
