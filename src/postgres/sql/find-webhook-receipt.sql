-- Whether a webhook was taken before.
--
-- $1 digest
select true as taken
from webhook_receipts
where digest = $1::bytea
