-- The next request with the key may try at once.
--
-- $1 app key   $2 idempotency key
update idempotency_keys
set leased_until = now()
where app_key = $1::text
  and idempotency_key = $2::text
  and answer is null
