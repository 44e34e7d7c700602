-- $1 app key
delete from app_secrets
where app_key = $1::text
  and expires_at <= now()
