-- Takes back what STOP has suppressed, unless it was said again since.
--
-- $1 channels   $2 address hashes   $3 until
delete from suppressions as suppressed
using unnest($1::varchar[], $2::bytea[], $3::timestamptz[]) as lifted(channel, address_hash, until)
where suppressed.address_hash = lifted.address_hash
  and suppressed.channel = lifted.channel
  and suppressed.scope = 'all'
  and suppressed.reason = 'stop'
  and suppressed.created_at <= lifted.until
