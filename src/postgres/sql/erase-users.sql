-- Erases people with their devices and settings. Returns for each id, known or not, a version above every one that a
-- reader can have seen of the person: the rows were locked before.
--
-- $1 user ids
with erased as (
  delete from users
  where user_id = any($1::bigint[])
  returning user_id
)

select asked.user_id, erased.user_id is not null as existed, nextval('profile_version') as version
from unnest($1::bigint[]) as asked(user_id)
left join erased using (user_id)
