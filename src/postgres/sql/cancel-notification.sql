-- First of the two statements of a cancel: marks the log row, or writes one that is cancelled before its request comes,
-- so that the request finds it and loses. Having waited for a record in progress, this statement's snapshot lacks its
-- deliveries; the second statement, in the same transaction, has a snapshot of its own and sees them.
--
-- $1 notification id   $2 source   $3 day   $4 user id
insert into notifications as logged (
  notification_id, source, day, pass, user_id, decision, reason, decided_at, cancelled_at
)
values ($1::uuid, $2::text, $3::date, 0, $4::bigint, 'cancelled', 'cancelled', now(), now())
on conflict (notification_id, source, day) do update set
  cancelled_at = coalesce(logged.cancelled_at, now()),
  decision = case when logged.decision = 'deferred' then 'cancelled' else logged.decision end,
  reason = case when logged.decision = 'deferred' then 'cancelled' else logged.reason end
returning
  old.decision as found,
  new.pass,
  new.category,
  new.delivery_ids
