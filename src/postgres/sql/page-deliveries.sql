-- The next deliveries in the order of their key, over all days. No address.
--
-- $1 delivery id, $2 day: the last one before   $3 limit
select
  delivery_id, day, notification_id, source, lane, channel, state, reason, provider, provider_message_id, created_at,
  array_remove(array[
    case when delivered_at is not null then 'delivered' end,
    case when bounced_at is not null then 'bounced' end,
    case when opened_at is not null then 'opened' end,
    case when clicked_at is not null then 'clicked' end,
    case when unsubscribed_at is not null then 'unsubscribed' end
  ], null) as reported
from deliveries
where (delivery_id, day) > ($1::uuid, $2::date)
order by delivery_id, day
limit $3::integer
