-- The limits that hold now, by this server's clock.
select channel, lane, concurrency, limited_at, limited_until, limited_by, reason
from channel_limits
where limited_until > now()
order by channel, lane
