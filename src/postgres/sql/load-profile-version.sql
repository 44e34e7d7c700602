-- The version that the changes of this transaction have raised a user's profile to.
--
-- $1 user id
select version
from users
where user_id = $1::bigint
