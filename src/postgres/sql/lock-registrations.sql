-- Lets one transaction at a time decide about a token or a device: rows that are not there yet cannot be locked. A stripe
-- stands for many of them, because each lock takes a place in a table that all connections share. In order, as all locks
-- are.
--
-- $1 tokens and device ids   $2 the class of these locks   $3 how many stripes
select pg_advisory_xact_lock($2::integer, stripe)
from (
  select distinct abs(hashtext(name) % $3::integer) as stripe
  from unnest($1::text[]) as name
  order by stripe
) as ordered
