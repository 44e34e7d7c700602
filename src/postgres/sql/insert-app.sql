-- A new app; nothing where the key is taken.
--
-- $1 app key   $2 scopes   $3 categories or null   $4 channels or null   $5 requests a second
insert into apps (app_key, scopes, categories, channels, rate_limit_per_second)
values ($1::text, $2::text[], $3::text[], $4::text[], $5::integer)
on conflict (app_key) do nothing
returning app_key
