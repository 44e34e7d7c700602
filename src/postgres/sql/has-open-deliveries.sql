-- Whether a delivery of the day is not final.
--
-- $1 day
select exists (select 1 from deliveries where day = $1::date and state < 'unknown') as open
