-- Forgets soft bounces that are too old to count with any that may still come.
--
-- $1 how long they are kept, in ms   $2 at most so many
with ended as (
  select address_hash, channel, feedback_id
  from soft_bounces
  where occurred_at <= now() - $1::bigint * interval '1 millisecond'
  order by occurred_at
  limit $2::integer
  for update skip locked
)
delete from soft_bounces as kept
using ended
where kept.address_hash = ended.address_hash
  and kept.channel = ended.channel
  and kept.feedback_id = ended.feedback_id
returning 1 as forgotten
