-- Ends the limits of a channel's lanes. Answers those that held; what is over already is only tidied away.
--
-- $1 channel   $2 lanes
with ended as (
  delete from channel_limits
  where channel = $1::channel
    and lane = any($2::lane[])
  returning lane, limited_until
)
select lane
from ended
where limited_until > now()
order by lane
