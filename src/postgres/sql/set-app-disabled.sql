-- $1 app key   $2 whether it is to be disabled; the moment of the first time stays
update apps
set disabled_at = case when $2::boolean then coalesce(disabled_at, now()) end
where app_key = $1::text
returning app_key
