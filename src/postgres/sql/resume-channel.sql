-- Ends the pauses of a channel's lanes. Answers those that held; what is over already is only tidied away.
--
-- $1 channel   $2 lanes
with ended as (
  delete from channel_pauses
  where channel = $1::channel
    and lane = any($2::lane[])
  returning lane, paused_until
)
select lane
from ended
where paused_until is null
  or paused_until > now()
order by lane
