-- Which of some addresses are on the suppression list, for their category or for all. Returns their places in the list.
--
-- $1 channels   $2 address hashes   $3 categories
select asked.place
from unnest($1::varchar[], $2::bytea[], $3::text[]) with ordinality as asked(channel, address_hash, category, place)
where (
  select 1
  from suppressions
  where suppressions.address_hash = asked.address_hash
    and suppressions.channel = asked.channel
    and suppressions.scope in ('all', asked.category)
  limit 1
) is not null
