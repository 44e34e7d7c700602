-- When and in which language somebody wants to hear from us.
--
-- $1 user id   $2 locale   $3 time zone   $4 quiet from, in minutes after local midnight   $5 quiet until
update users
set
  locale = $2::text,
  time_zone = $3::text,
  quiet_from_minute = $4::smallint,
  quiet_until_minute = $5::smallint
where user_id = $1::bigint
