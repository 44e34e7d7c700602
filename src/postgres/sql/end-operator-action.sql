-- $1 action id   $2 counts
update operator_actions
set counts = $2::jsonb, finished_at = now()
where action_id = $1::uuid
  and finished_at is null
returning action_id
