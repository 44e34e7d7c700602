-- Writes people's contact data, of new people too. What their own user service publishes is compared by its version: a
-- lower or equal one changes nothing. Returns those that were written.
--
-- $1 user ids   $2 emails   $3 phone numbers   $4 locales   $5 time zones   $6 quiet from   $7 quiet until
-- $8 external versions, null where a change comes from elsewhere   $9 user ids that keep the quiet hours that they have
insert into users as person (
  user_id, version, email, phone_number, locale, time_zone, quiet_from_minute, quiet_until_minute, external_version
)
-- The trigger gives the version.
select user_id, 0, email, phone_number, locale, time_zone, quiet_from_minute, quiet_until_minute, external_version
from unnest(
  $1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::smallint[], $8::bigint[]
) as changed(
  user_id, email, phone_number, locale, time_zone, quiet_from_minute, quiet_until_minute, external_version
)
order by user_id
on conflict (user_id) do update set
  email = excluded.email,
  phone_number = excluded.phone_number,
  locale = excluded.locale,
  time_zone = excluded.time_zone,
  quiet_from_minute = case
    when person.user_id = any($9::bigint[]) then person.quiet_from_minute
    else excluded.quiet_from_minute
  end,
  quiet_until_minute = case
    when person.user_id = any($9::bigint[]) then person.quiet_until_minute
    else excluded.quiet_until_minute
  end,
  external_version = coalesce(excluded.external_version, person.external_version)
where excluded.external_version is null
  or person.external_version is null
  or person.external_version < excluded.external_version
returning user_id
