-- The open rate of emails by template and by the UTC day on which they were sent.
--
-- Each delivery counts once, however often it was opened, and on the day of its sending, whenever it was opened. Opens
-- of machines (mail privacy proxies) do not count. A delivery whose opening was told, but whose sending was not, was
-- sent all the same: nobody opens what never arrived.
with emails as (
  select
    delivery_id,
    min(template_id) as template_id,
    min(occurred_at) as sent_at,
    bool_or(status = 'opened' and not automatic) as opened
  from delivery_statuses
  where channel = 'email' and status in ('sent', 'delivered', 'opened', 'clicked')
  group by delivery_id
)
select
  template_id,
  to_char(sent_at at time zone 'UTC', 'YYYY-MM-DD') as day,
  count(*)::integer as sent,
  (count(*) filter (where opened))::integer as opened,
  round(100.0 * count(*) filter (where opened) / count(*), 1)::float8 as open_rate_percent
from emails
group by 1, 2
order by 1, 2;
