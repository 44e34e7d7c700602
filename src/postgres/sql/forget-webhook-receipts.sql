-- Forgets webhooks whose copies would not be believed any more.
--
-- $1 at most so many
with ended as (
  select digest
  from webhook_receipts
  where kept_until <= now()
  order by kept_until
  limit $1::integer
  for update skip locked
)
delete from webhook_receipts as kept
using ended
where kept.digest = ended.digest
returning 1 as forgotten
