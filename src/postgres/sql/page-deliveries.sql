-- The next deliveries in the order of their key, over all days. No address.
--
-- $1 delivery id, $2 day: the last one before   $3 limit
select
  delivery_id, day, notification_id, source, lane, channel, state, reason, provider, provider_message_id, created_at
from deliveries
where (delivery_id, day) > ($1::uuid, $2::date)
order by delivery_id, day
limit $3::integer
