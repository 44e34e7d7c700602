-- $1 hour
delete from delivery_funnel
where hour = $1::timestamptz
