-- What is kept under a key that has not ended.
--
-- $1 app key   $2 idempotency key   $3 time to live in ms
select body_hash, identities, answer_status, answer
from idempotency_keys
where app_key = $1::text
  and idempotency_key = $2::text
  and created_at > now() - $3::bigint * interval '1 millisecond'
