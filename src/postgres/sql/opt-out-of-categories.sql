-- Lets people leave categories on a channel. Of somebody who was erased meanwhile nothing is kept.
--
-- $1 user ids   $2 channels   $3 categories
insert into category_settings (user_id, category, channel, opt_in)
select users.user_id, wanted.category, wanted.channel, false
from (
  select distinct * from unnest($1::bigint[], $2::varchar[], $3::text[]) as given(user_id, channel, category)
) as wanted
join users using (user_id)
order by users.user_id, wanted.category, wanted.channel
on conflict (user_id, category, channel) do update
  set opt_in = false
  where category_settings.opt_in
returning user_id
