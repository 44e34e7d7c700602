-- $1 time to live in ms   $2 at most so many
with ended as (
  select app_key, idempotency_key
  from idempotency_keys
  where created_at <= now() - $1::bigint * interval '1 millisecond'
  order by created_at
  limit $2::integer
  for update skip locked
)
delete from idempotency_keys as kept
using ended
where kept.app_key = ended.app_key
  and kept.idempotency_key = ended.idempotency_key
returning 1 as forgotten
