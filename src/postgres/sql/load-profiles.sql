-- Users with their valid devices and their settings, in one snapshot, so that the version fits the rest.
--
-- $1 user ids
select
  users.user_id,
  users.version,
  users.email,
  users.phone_number,
  users.locale,
  users.time_zone,
  users.quiet_from_minute,
  users.quiet_until_minute,
  (
    select json_agg(
      json_build_object('deviceId', device_id, 'platform', platform, 'token', token) order by registered_at, device_id
    )
    from devices
    where devices.user_id = users.user_id
      and invalidated_at is null
  ) as devices,
  (
    select json_object_agg(channel, opt_in)
    from notification_settings
    where notification_settings.user_id = users.user_id
  ) as channel_opt_ins,
  (
    select json_agg(
      json_build_object('category', category, 'channel', channel, 'optIn', opt_in) order by category, channel
    )
    from category_settings
    where category_settings.user_id = users.user_id
  ) as category_opt_ins
from users
where users.user_id = any($1::bigint[])
