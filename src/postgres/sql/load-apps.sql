-- Every app that is not disabled, with the hashes of its secrets that have not ended: the newest first.
select
  app.app_key,
  app.scopes,
  app.categories,
  app.channels,
  app.rate_limit_per_second,
  secret.hashes as secret_hashes,
  secret.expiries as secret_expiries
from apps as app
left join lateral (
  select
    array_agg(encode(own.secret_hash, 'hex') order by own.created_at desc) as hashes,
    array_agg((extract(epoch from own.expires_at) * 1000)::bigint order by own.created_at desc) as expiries
  from app_secrets as own
  where own.app_key = app.app_key
    and (own.expires_at is null or own.expires_at > now())
) as secret on true
where app.disabled_at is null
