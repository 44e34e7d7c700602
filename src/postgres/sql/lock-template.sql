-- Publications of one template take turns, also the first one, which has no row to lock. Held until the transaction ends.
--
-- $1 template id
select pg_advisory_xact_lock(hashtextextended('fanfare.template.' || $1::text, 0))
