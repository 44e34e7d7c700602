-- So that two rotations at once do not leave three secrets.
--
-- $1 app key
select
  app.disabled_at,
  (
    select count(*)::integer
    from app_secrets as own
    where own.app_key = app.app_key
      and (own.expires_at is null or own.expires_at > now())
  ) as live_secrets
from apps as app
where app.app_key = $1::text
for update
