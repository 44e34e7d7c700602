-- The next notifications of some people of which something may still be sent, or which were cancelled: a cancel that a
-- crash left untold is told by asking again.
--
-- $1 user ids   $2 first day   $3 day, $4 notification id, $5 source: the last one before   $6 limit
select notification_id, source, day, user_id, lane, created_at
from notifications as logged
where user_id = any($1::bigint[])
  and day >= $2::date
  and (day, notification_id, source) > ($3::date, $4::uuid, $5::text)
  and created_at is not null
  and (
    decision in ('deferred', 'cancelled')
    -- A scalar subquery, because `exists` may be hashed over the whole day.
    or (
      select 1
      from deliveries as delivery
      where delivery.day = logged.day
        and delivery.delivery_id = any(logged.delivery_ids)
        and (
          delivery.state in ('routed', 'claimed', 'retrying', 'unknown', 'cancelled')
          -- An operator may bring it back.
          or (delivery.state = 'failed' and delivery.reason = 'attempts_exhausted')
        )
      limit 1
    ) is not null
  )
order by day, notification_id, source
limit $6::integer
