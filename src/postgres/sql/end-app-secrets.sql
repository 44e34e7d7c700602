-- All secrets of an app end after a grace, unless they end sooner.
--
-- $1 app key   $2 grace in ms
update app_secrets
set expires_at = least(coalesce(expires_at, 'infinity'), now() + $2::bigint * interval '1 millisecond')
where app_key = $1::text
