-- Records one pass of some notifications of one day, and the deliveries of those that won it. Returns the winners: the
-- rows of everybody else who was first are not in this statement's snapshot, so losers are looked up again.
--
-- $1 day   $2–$15 the notifications, by column   $16–$28 their deliveries, by column
with entry as materialized (
  select *
  from unnest(
    $2::uuid[], $3::text[], $4::integer[], $5::lane[], $6::integer[], $7::bigint[], $8::bigint[], $9::text[],
    $10::decision[], $11::text[], $12::jsonb[], $13::text[], $14::timestamptz[], $15::timestamptz[]
  ) as entry(
    notification_id, source, pass, lane, record_partition, record_offset, user_id, category,
    decision, reason, suppressed_channels, delivery_ids, created_at, decided_at
  )
),

winner as (
  insert into notifications as logged (
    notification_id, source, day, pass, lane, record_partition, record_offset, user_id, category,
    decision, reason, suppressed_channels, delivery_ids, created_at, decided_at
  )
  select
    notification_id, source, $1::date, pass, lane, record_partition, record_offset, user_id, category,
    decision, reason, suppressed_channels, delivery_ids::uuid[], created_at, decided_at
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
    suppressed_channels = excluded.suppressed_channels,
    delivery_ids = excluded.delivery_ids,
    decided_at = excluded.decided_at
  -- The first writer of a pass wins it; a pass follows only its deferral, and nothing follows a cancel.
  where logged.pass = excluded.pass - 1
    and logged.decision = 'deferred'
    and logged.cancelled_at is null
  returning notification_id, source, lane, user_id, category, created_at, decided_at
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
    $16::uuid[], $17::text[], $18::uuid[], $19::channel[], $20::text[], $21::uuid[],
    $22::text[], $23::integer[], $24::text[], $25::timestamptz[], $26::timestamptz[], $27::unknown_policy[],
    $28::timestamptz[]
  ) as delivery(
    notification_id, source, delivery_id, channel, address, device_id,
    template_id, template_version, locale, quiet_from, quiet_until, unknown_policy, expires_at
  )
  -- By id and source: two apps may use the same id, and one of them may lose.
  join winner using (notification_id, source)
  order by delivery_id
  on conflict do nothing
)

select notification_id, source
from winner
