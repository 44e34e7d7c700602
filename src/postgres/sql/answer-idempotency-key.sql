-- Keeps the answer; the first one stays.
--
-- $1 app key   $2 idempotency key   $3 status   $4 body
update idempotency_keys
set answer_status = $3::smallint, answer = $4::text
where app_key = $1::text
  and idempotency_key = $2::text
  and answer is null
