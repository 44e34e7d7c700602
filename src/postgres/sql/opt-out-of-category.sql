-- Somebody leaves a category on one channel. Whoever has left it already, or is no user any more, changes nothing.
--
-- $1 user id   $2 category   $3 request channel
insert into category_settings (user_id, category, channel, opt_in)
select user_id, $2::text, $3::varchar, false
from users
where user_id = $1::bigint
on conflict (user_id, category, channel) do update set opt_in = false where category_settings.opt_in
