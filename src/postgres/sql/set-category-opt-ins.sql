-- What somebody chose for categories.
--
-- $1 user id   $2 categories   $3 request channels   $4 opt-ins
insert into category_settings (user_id, category, channel, opt_in)
select $1::bigint, chosen.category, chosen.channel, chosen.opt_in
from unnest($2::text[], $3::varchar[], $4::boolean[]) as chosen(category, channel, opt_in)
order by chosen.category, chosen.channel
on conflict (user_id, category, channel) do update set opt_in = excluded.opt_in
