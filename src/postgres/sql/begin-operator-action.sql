-- $1 operator   $2 action   $3 target   $4 choices
insert into operator_actions (operator, action, target, choices)
values ($1::text, $2::text, $3::text, $4::jsonb)
returning action_id
