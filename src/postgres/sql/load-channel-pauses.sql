-- The pauses that hold now, by this server's clock.
select channel, lane, paused_at, paused_until, paused_by, reason
from channel_pauses
where paused_until is null
  or paused_until > now()
order by channel, lane
