-- The next notifications in the order of their key, over all days.
--
-- $1 notification id, $2 source, $3 day: the last one before   $4 limit
select notification_id, source, day, decision, reason, suppressed_channels, delivery_ids
from notifications
where (notification_id, source, day) > ($1::uuid, $2::text, $3::date)
order by notification_id, source, day
limit $4::integer
