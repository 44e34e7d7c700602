-- Counts what became of the deliveries that were asked for in one hour. Ids are in the order of time, so it reads no
-- others.
--
-- $1 hour   $2 its day   $3 first id of it   $4 first id after it
insert into delivery_funnel (
  hour, template_id, category, channel, planned, sent, delivered, bounced, opened, clicked, unsubscribed, failed,
  suppressed, expired, cancelled, unknown
)
select
  $1::timestamptz,
  template_id,
  category,
  channel,
  count(*),
  count(*) filter (where state >= 'sent'),
  count(delivered_at),
  count(bounced_at),
  count(opened_at),
  count(clicked_at),
  count(unsubscribed_at),
  count(*) filter (where state = 'failed'),
  count(*) filter (where state = 'suppressed'),
  count(*) filter (where state = 'expired'),
  count(*) filter (where state = 'cancelled'),
  count(*) filter (where state = 'unknown')
from deliveries
where day = $2::date
  and delivery_id >= $3::uuid
  and delivery_id < $4::uuid
group by template_id, category, channel
