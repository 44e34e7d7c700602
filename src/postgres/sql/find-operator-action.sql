-- Whether an action was begun on a target, with these choices among its own.
--
-- $1 action   $2 target   $3 choices
select exists (
  select 1
  from operator_actions
  where target = $2::text
    and action = $1::text
    and choices @> $3::jsonb
) as found
