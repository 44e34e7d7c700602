-- Deletes what was published, in the transaction that has it locked.
--
-- $1 notification ids   $2 sources   $3 days
delete from scheduled_notifications as scheduled
using unnest($1::uuid[], $2::text[], $3::date[]) as published(notification_id, source, day)
where scheduled.notification_id = published.notification_id
  and scheduled.source = published.source
  and scheduled.day = published.day
