-- Switches channels off for people. Of somebody who was erased meanwhile nothing is kept.
--
-- $1 user ids   $2 channels
insert into notification_settings (user_id, channel, opt_in)
select users.user_id, wanted.channel, false
from (select distinct * from unnest($1::bigint[], $2::varchar[]) as given(user_id, channel)) as wanted
join users using (user_id)
order by users.user_id, wanted.channel
on conflict (user_id, channel) do update
  set opt_in = false
  where notification_settings.opt_in
returning user_id
