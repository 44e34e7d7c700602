-- Takes a key: a new one, one that has ended, or one of the same body that was left without an answer and whose lease is
-- over. Returns the identities that hold, the first one's where it was left; nothing where somebody else has it.
--
-- $1 app key   $2 idempotency key   $3 body hash   $4 identities   $5 lease in ms   $6 time to live in ms
insert into idempotency_keys as kept (app_key, idempotency_key, body_hash, identities, leased_until)
values ($1::text, $2::text, $3::bytea, $4::jsonb, now() + $5::bigint * interval '1 millisecond')
on conflict (app_key, idempotency_key) do update
set
  body_hash = excluded.body_hash,
  identities = case
    when kept.created_at > now() - $6::bigint * interval '1 millisecond' then kept.identities
    else excluded.identities
  end,
  created_at = case
    when kept.created_at > now() - $6::bigint * interval '1 millisecond' then kept.created_at
    else now()
  end,
  answer_status = null,
  answer = null,
  leased_until = excluded.leased_until
where kept.created_at <= now() - $6::bigint * interval '1 millisecond'
  or (kept.answer is null and kept.body_hash = excluded.body_hash and kept.leased_until <= now())
returning identities
