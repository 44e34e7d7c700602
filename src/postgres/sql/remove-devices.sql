-- $1 device ids
delete from devices
where device_id = any($1::uuid[])
