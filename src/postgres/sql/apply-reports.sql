-- Tells rows of one day what was reported about them: states rise and never fall, of each kind the earliest moment stays,
-- and of bounces the reason of the first. Whatever order reports come in, and however often, the row ends the same.
--
-- A report is proof that the provider accepted: it ends a lease and a wait, and the attempt that was being made counts.
-- The settlement that comes after it finds a higher rank and leaves it.
--
-- $1 day   $2–$11 the reports, by column
with report as materialized (
  select *
  from unnest(
    $2::uuid[], $3::delivery_state[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::timestamptz[],
    $8::timestamptz[], $9::timestamptz[], $10::text[], $11::text[]
  ) as report(
    delivery_id, state, delivered_at, bounced_at, bounce_reason, opened_at, clicked_at, unsubscribed_at, provider,
    provider_message_id
  )
  order by delivery_id
)

update deliveries as delivery
set
  state = greatest(delivery.state, report.state),
  reason = case
    when greatest(delivery.state, report.state) = 'bounced' then case
      when report.bounced_at < delivery.bounced_at
        or delivery.bounced_at is null
        or (report.bounced_at = delivery.bounced_at and coalesce(report.bounce_reason, '') < coalesce(delivery.reason, ''))
        then report.bounce_reason
      else delivery.reason
    end
    when report.state > delivery.state then null
    else delivery.reason
  end,
  attempt = delivery.attempt + case delivery.state when 'claimed' then 1 else 0 end,
  lease_owner = null,
  lease_until = null,
  next_due_at = null,
  delivered_at = least(delivery.delivered_at, report.delivered_at),
  bounced_at = least(delivery.bounced_at, report.bounced_at),
  opened_at = least(delivery.opened_at, report.opened_at),
  clicked_at = least(delivery.clicked_at, report.clicked_at),
  unsubscribed_at = least(delivery.unsubscribed_at, report.unsubscribed_at),
  provider = coalesce(delivery.provider, report.provider),
  provider_message_id = coalesce(delivery.provider_message_id, report.provider_message_id),
  updated_at = now()
from report
where delivery.day = $1::date
  -- The ids again as a list: without it the plan joins over the whole day.
  and delivery.delivery_id = any($2::uuid[])
  and delivery.delivery_id = report.delivery_id
  -- Most reports come once; one that says nothing new writes nothing.
  and (
    report.state > delivery.state
    or (delivery.provider_message_id is null and report.provider_message_id is not null)
    or least(delivery.delivered_at, report.delivered_at) is distinct from delivery.delivered_at
    or least(delivery.bounced_at, report.bounced_at) is distinct from delivery.bounced_at
    or least(delivery.opened_at, report.opened_at) is distinct from delivery.opened_at
    or least(delivery.clicked_at, report.clicked_at) is distinct from delivery.clicked_at
    or least(delivery.unsubscribed_at, report.unsubscribed_at) is distinct from delivery.unsubscribed_at
    or (
      delivery.state = 'bounced'
      and report.bounced_at = delivery.bounced_at
      and coalesce(report.bounce_reason, '') < coalesce(delivery.reason, '')
    )
  )
returning delivery.delivery_id
