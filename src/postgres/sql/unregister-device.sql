-- $1 device id   $2 user id: nobody takes away another's
delete from devices
where device_id = $1::uuid
  and user_id = $2::bigint
returning device_id
