-- Records one pass of some notifications of one day, and the deliveries of those that won it. Returns the winners: the
-- rows of everybody else who was first are not in this statement's snapshot, so losers are looked up again.
--
-- $1 day   $2–$18 the notifications, by column   $19–$32 their deliveries, by column
-- $33–$36 what waits: by id and source the lane and the record that resume it
with entry as materialized (
  select *
  from unnest(
    $2::uuid[], $3::text[], $4::integer[], $5::lane[], $6::integer[], $7::bigint[], $8::bigint[], $9::text[],
    $10::decision[], $11::text[], $12::text[], $13::timestamptz[], $14::jsonb[], $15::text[], $16::timestamptz[],
    $17::timestamptz[], $18::bytea[]
  ) as entry(
    notification_id, source, pass, lane, record_partition, record_offset, user_id, category,
    decision, reason, detail, deferred_until, suppressed_channels, delivery_ids, created_at, decided_at, content_hash
  )
),

winner as (
  insert into notifications as logged (
    notification_id, source, day, pass, lane, record_partition, record_offset, user_id, category,
    decision, reason, detail, deferred_until, suppressed_channels, delivery_ids, created_at, decided_at, content_hash
  )
  select
    notification_id, source, $1::date, pass, lane, record_partition, record_offset, user_id, category,
    decision, reason, detail, deferred_until, suppressed_channels, delivery_ids::uuid[], created_at, decided_at,
    content_hash
  from entry
  -- A later pass continues a row. Without one its `x-pass` is forged, and inserting it would let the forgery win.
  -- A scalar subquery, because `exists` may be hashed over the whole day.
  where entry.pass = 0
    or (
      select 1
      from notifications as earlier
      where earlier.notification_id = entry.notification_id
        and earlier.source = entry.source
        and earlier.day = $1::date
      limit 1
    ) is not null
  -- Locked in the order of the key, so that two statements over the same rows cannot deadlock.
  order by notification_id, source
  on conflict (notification_id, source, day) do update set
    pass = excluded.pass,
    lane = excluded.lane,
    record_partition = excluded.record_partition,
    record_offset = excluded.record_offset,
    decision = excluded.decision,
    reason = excluded.reason,
    detail = excluded.detail,
    deferred_until = excluded.deferred_until,
    suppressed_channels = excluded.suppressed_channels,
    delivery_ids = excluded.delivery_ids,
    decided_at = excluded.decided_at
  -- The first writer of a pass wins it; a pass follows only its deferral, and nothing follows a cancel.
  where logged.pass = excluded.pass - 1
    and logged.decision = 'deferred'
    and logged.cancelled_at is null
  returning notification_id, source, pass, user_id, category, deferred_until, created_at, decided_at
),

planned as (
  insert into deliveries (
    delivery_id, day, notification_id, source, user_id, category, lane, channel, address, device_id,
    template_id, template_version, locale, quiet_from, quiet_until, unknown_policy, expires_at,
    created_at, routed_at, updated_at
  )
  select
    delivery_id, $1::date, notification_id, source, user_id, category, lane, channel, address, device_id,
    template_id, template_version, locale, quiet_from, quiet_until, unknown_policy, expires_at,
    created_at, decided_at, now()
  from unnest(
    $19::uuid[], $20::text[], $21::uuid[], $22::channel[], $23::lane[], $24::text[], $25::uuid[],
    $26::text[], $27::integer[], $28::text[], $29::timestamptz[], $30::timestamptz[], $31::unknown_policy[],
    $32::timestamptz[]
  ) as delivery(
    notification_id, source, delivery_id, channel, lane, address, device_id,
    template_id, template_version, locale, quiet_from, quiet_until, unknown_policy, expires_at
  )
  -- By id and source: two apps may use the same id, and one of them may lose.
  join winner using (notification_id, source)
  order by delivery_id
  on conflict do nothing
),

waiting as (
  insert into scheduled_notifications as scheduled (
    notification_id, source, day, pass, lane, user_id, due_at, record
  )
  select notification_id, source, $1::date, winner.pass + 1, resumption.lane, user_id, deferred_until, resumption.record
  from unnest($33::uuid[], $34::text[], $35::lane[], $36::bytea[]) as resumption(notification_id, source, lane, record)
  join winner using (notification_id, source)
  order by notification_id, source
  -- The scheduler published this pass and has not deleted its row yet, or never will, having died: the row moves on.
  on conflict (notification_id, source, day) do update set
    pass = excluded.pass,
    lane = excluded.lane,
    due_at = excluded.due_at,
    record = excluded.record
  where scheduled.pass < excluded.pass
)

select notification_id, source
from winner
