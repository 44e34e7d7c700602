-- What the preference page shows of one person, in one snapshot. No row: there is nobody of this id.
--
-- $1 user id
select
  users.version,
  users.locale,
  users.time_zone,
  users.quiet_from_minute,
  users.quiet_until_minute,
  (
    select json_object_agg(channel, opt_in)
    from notification_settings
    where notification_settings.user_id = users.user_id
  ) as channel_opt_ins,
  (
    select json_agg(json_build_object('category', category, 'channel', channel, 'optIn', opt_in))
    from category_settings
    where category_settings.user_id = users.user_id
  ) as category_opt_ins,
  (
    select json_agg(
      json_build_object(
        'name', name, 'titles', titles, 'listed', listed, 'mandatory', mandatory, 'optInDefault', opt_in_default
      )
      order by mandatory desc, name
    )
    from categories
  ) as categories
from users
where users.user_id = $1::bigint
