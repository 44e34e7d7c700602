-- Every app with its secrets that have not ended, the newest first; never their hashes.
select
  app.app_key,
  app.scopes,
  app.categories,
  app.channels,
  app.rate_limit_per_second,
  app.created_at,
  app.disabled_at,
  coalesce(secret.count, 0)::integer as secrets,
  secret.next_end as next_secret_end
from apps as app
left join lateral (
  select count(*) as count, min(own.expires_at) as next_end
  from app_secrets as own
  where own.app_key = app.app_key
    and (own.expires_at is null or own.expires_at > now())
) as secret on true
order by app.app_key
