-- Whether a delivery of the day is not final, or a notification of the day waits for its time.
--
-- $1 day
select
  exists (select 1 from deliveries where day = $1::date and state < 'unknown')
  or exists (select 1 from scheduled_notifications where day = $1::date) as open
