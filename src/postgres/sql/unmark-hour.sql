-- Takes the mark before the rows are read: what changes after that marks the hour again.
--
-- $1 hour
delete from funnel_hours_to_count
where hour = $1::timestamptz
