-- Some records of one channel and day ask their rows whether they may be sent now. Everything is judged in one snapshot,
-- against the settings themselves and not a cache; what the judgement writes is written only over the very row that was
-- judged. A row that moved in between answers `again`.
--
-- $1 day   $2–$9 the records, by column   $10 request channel   $11 owner of the claim   $12 lease in ms
with record as materialized (
  select *
  from unnest(
    $2::uuid[], $3::integer[], $4::bigint[], $5::text[], $6::bytea[], $7::boolean[], $8::timestamptz[], $9::timestamptz[]
  ) as record(delivery_id, hop, user_id, category, address_hash, redrive, quiet_from, quiet_until)
  order by delivery_id
),

judged as materialized (
  select
    record.delivery_id,
    record.hop as record_hop,
    record.quiet_until,
    delivery.delivery_id is not null as has_row,
    delivery.state,
    delivery.hop,
    delivery.attempt,
    delivery.reason,
    delivery.lease_until,
    delivery.next_due_at,
    delivery.provider,
    delivery.provider_message_id,
    delivery.unknown_policy,
    delivery.cancel_requested,
    (category.attempts ->> $10::varchar)::integer as attempts_max,
    coalesce(category.mandatory, false) as mandatory,
    case
      when delivery.delivery_id is null or delivery.hop < record.hop - 1 then 'no_row'
      -- Final states rank from `unknown` upward. One of them can be claimed again: an operator redrives what ran out of
      -- attempts.
      when delivery.state >= 'unknown'
        and not (
          record.redrive and delivery.hop = record.hop - 1 and delivery.state = 'failed' and delivery.reason = 'attempts_exhausted'
        )
        then 'republish'
      when delivery.hop > record.hop then 'stale'
      when delivery.hop = record.hop then
        case
          when delivery.state = 'retrying' then 'next'
          -- A routed row is at hop 0 and no record is.
          when delivery.state <> 'claimed' then 'no_row'
          -- The answer to this very claim was lost, and it asks again.
          when delivery.lease_owner = $11::uuid then 'claim'
          when delivery.lease_until > now() then 'put_back'
          else 'unknown'
        end
      -- From here on the row is one hop behind the record.
      when delivery.state = 'claimed' then 'no_row'
      -- Cancelled while an earlier hop was being sent.
      when delivery.cancel_requested then 'cancelled'
      when delivery.expires_at <= now() then 'expired'
      -- Scalar subqueries, because `exists` may be hashed over the whole table.
      when (
        select 1
        from suppressions as suppressed
        where suppressed.address_hash = record.address_hash
          and suppressed.channel = $10::varchar
          and suppressed.scope in ('all', record.category)
        limit 1
      ) is not null then 'suppressed'
      when category.mandatory then 'claim'
      when not coalesce(
        (
          select channel_switch.opt_in
          from notification_settings as channel_switch
          where channel_switch.user_id = record.user_id
            and channel_switch.channel = $10::varchar
        ),
        true
      ) then 'opted_out'
      when not coalesce(
        (
          select finer.opt_in
          from category_settings as finer
          where finer.user_id = record.user_id
            and finer.category = record.category
            and finer.channel = $10::varchar
        ),
        category.opt_in_default,
        true
      ) then 'opted_out'
      when record.quiet_from <= now() and record.quiet_until > now() then 'quiet'
      else 'claim'
    end as action
  from record
  -- `offset 0` keeps this one look-up by key per record: pulled up, it may become a merge with the whole day.
  left join lateral (
    select *
    from deliveries as candidate
    where candidate.delivery_id = record.delivery_id
      and candidate.day = $1::date
    offset 0
  ) as delivery on true
  left join categories as category on category.name = record.category
),

written as (
  update deliveries as delivery
  set
    state = case judged.action
      when 'claim' then 'claimed'
      when 'expired' then 'expired'
      when 'cancelled' then 'cancelled'
      when 'quiet' then 'retrying'
      when 'unknown' then case judged.unknown_policy when 'hold' then 'unknown' else 'retrying' end
      else 'suppressed'
    end::delivery_state,
    hop = judged.record_hop,
    -- Nobody knows whether the lease that ended made its call, so it counts: else a record that kills its sender would
    -- be tried for ever.
    attempt = delivery.attempt + case judged.action when 'unknown' then 1 else 0 end,
    lease_owner = case judged.action when 'claim' then $11::uuid end,
    lease_until = case judged.action when 'claim' then now() + $12::integer * interval '1 millisecond' end,
    next_due_at = case
      when judged.action = 'quiet' then judged.quiet_until
      when judged.action = 'unknown' and judged.unknown_policy = 'resend' then now()
    end,
    reason = case judged.action
      when 'expired' then 'past_expiry'
      when 'cancelled' then 'cancelled'
      when 'suppressed' then 'address_suppressed'
      when 'opted_out' then 'opted_out'
      when 'quiet' then 'quiet_hours'
      when 'unknown' then 'ambiguous'
    end,
    updated_at = now()
  from judged
  where judged.action in ('claim', 'expired', 'cancelled', 'suppressed', 'opted_out', 'quiet', 'unknown')
    and delivery.day = $1::date
    -- The ids again as a list: it is what lets the plan look each row up by key.
    and delivery.delivery_id = any($2::uuid[])
    and delivery.delivery_id = judged.delivery_id
    and delivery.hop = judged.hop
    and delivery.state = judged.state
    and delivery.lease_until is not distinct from judged.lease_until
  returning
    delivery.delivery_id, delivery.state, delivery.hop, delivery.attempt, delivery.reason, delivery.next_due_at,
    delivery.provider, delivery.provider_message_id
),

answer as (
  select delivery_id, state, hop, attempt, reason, next_due_at, provider, provider_message_id
  from written
  union all
  select delivery_id, state, hop, attempt, reason, next_due_at, provider, provider_message_id
  from judged
  where has_row
    and action not in ('claim', 'expired', 'cancelled', 'suppressed', 'opted_out', 'quiet', 'unknown')
)

select
  judged.delivery_id,
  case when judged.has_row and answer.delivery_id is null then 'again' else judged.action end as action,
  answer.state,
  answer.hop,
  answer.attempt,
  answer.reason,
  answer.next_due_at,
  answer.provider,
  answer.provider_message_id,
  judged.attempts_max,
  judged.mandatory
from judged
left join answer using (delivery_id)
