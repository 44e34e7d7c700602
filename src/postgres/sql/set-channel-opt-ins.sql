-- What somebody chose for whole channels.
--
-- $1 user id   $2 request channels   $3 opt-ins
insert into notification_settings (user_id, channel, opt_in)
select $1::bigint, chosen.channel, chosen.opt_in
from unnest($2::varchar[], $3::boolean[]) as chosen(channel, opt_in)
order by chosen.channel
on conflict (user_id, channel) do update set opt_in = excluded.opt_in
