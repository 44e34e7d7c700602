-- Registers devices, whosever they were. What held one of the tokens has been removed before.
--
-- Registering again revives a device that a provider called dead, if that is news: another token, another person, or
-- later than the provider's word. A time ahead of ours counts as now, or nothing could ever be later.
--
-- $1 device ids   $2 user ids   $3 platforms   $4 tokens   $5 when they were registered, null for now
insert into devices as device (device_id, user_id, platform, token, registered_at, last_seen_at)
select device_id, user_id, platform, token, moment, moment
from (
  select device_id, user_id, platform, token, least(coalesce(registered_at, now()), now()) as moment
  from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[])
    as wanted(device_id, user_id, platform, token, registered_at)
) as registration
order by device_id
on conflict (device_id) do update set
  user_id = excluded.user_id,
  platform = excluded.platform,
  token = excluded.token,
  registered_at = case
    when device.token = excluded.token and device.user_id = excluded.user_id
      then greatest(device.registered_at, excluded.registered_at)
    else excluded.registered_at
  end,
  last_seen_at = greatest(device.last_seen_at, excluded.last_seen_at),
  invalidated_at = case
    when device.token = excluded.token
      and device.user_id = excluded.user_id
      and device.platform = excluded.platform
      and excluded.registered_at <= device.invalidated_at
      then device.invalidated_at
  end
