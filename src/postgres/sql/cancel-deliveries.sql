-- Second statement of a cancel: cancels every delivery that nobody has claimed or finished, forgets what is scheduled,
-- and answers all deliveries of the notification as they are then.
--
-- $1 notification id   $2 source   $3 day   $4 delivery ids
with locked as materialized (
  select *
  from deliveries
  where day = $3::date
    and delivery_id = any($4::uuid[])
  -- In id order, as claims and settlements take them; and a claim that is being committed is waited for.
  order by delivery_id
  for update
),

cancelled as (
  update deliveries as delivery
  set
    -- Somebody is sending a claimed one, and a held or failed one may be sent again by an operator: these are only not to
    -- be claimed any more.
    state = case when locked.state in ('routed', 'retrying') then 'cancelled' else locked.state end::delivery_state,
    reason = case when locked.state in ('routed', 'retrying') then 'cancelled' else delivery.reason end,
    next_due_at = case when locked.state in ('routed', 'retrying') then null else delivery.next_due_at end,
    cancel_requested = true,
    updated_at = now()
  from locked
  where delivery.day = $3::date
    and delivery.delivery_id = any($4::uuid[])
    and delivery.delivery_id = locked.delivery_id
    and delivery.state in ('routed', 'retrying', 'claimed', 'unknown', 'failed')
    and not delivery.cancel_requested
  returning delivery.delivery_id, delivery.state
),

unscheduled as (
  delete from scheduled_notifications
  where notification_id = $1::uuid
    and source = $2::text
    and day = $3::date
)

select
  locked.delivery_id,
  locked.channel,
  locked.category,
  locked.lane,
  locked.template_id,
  locked.template_version,
  locked.locale,
  locked.hop,
  locked.attempt,
  locked.provider,
  coalesce(cancelled.state, locked.state) as state
from locked
left join cancelled using (delivery_id)
