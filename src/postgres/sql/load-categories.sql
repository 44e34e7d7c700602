-- $1 names
select
  name,
  lane,
  channels,
  mandatory,
  opt_in_default,
  caps,
  over_cap_policy,
  quiet_hours_policy,
  send_from_minute,
  send_until_minute,
  caps_unavailable_policy,
  time_to_live_seconds,
  unknown_policy,
  template_id
from categories
where name = any($1::text[])
