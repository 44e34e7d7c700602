-- Remembers that a webhook was taken.
--
-- $1 digest   $2 until, null for ever
insert into webhook_receipts (digest, kept_until)
values ($1::bytea, $2::timestamptz)
on conflict do nothing
