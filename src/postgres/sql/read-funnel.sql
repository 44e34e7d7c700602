-- Sums of the funnel over a span, split by what is asked for; what is not is null.
--
-- $1 from   $2 until   $3 by hour   $4 by day   $5 by template   $6 by category   $7 by channel   $8 limit
select
  case when $3::boolean then hour when $4::boolean then date_trunc('day', hour, 'UTC') end as begins_at,
  case when $5::boolean then template_id end as template_id,
  case when $6::boolean then category end as category,
  case when $7::boolean then channel end as channel,
  sum(planned)::bigint as planned,
  sum(sent)::bigint as sent,
  sum(delivered)::bigint as delivered,
  sum(bounced)::bigint as bounced,
  sum(opened)::bigint as opened,
  sum(clicked)::bigint as clicked,
  sum(unsubscribed)::bigint as unsubscribed,
  sum(failed)::bigint as failed,
  sum(suppressed)::bigint as suppressed,
  sum(expired)::bigint as expired,
  sum(cancelled)::bigint as cancelled,
  sum(unknown)::bigint as unknown
from delivery_funnel
where hour >= $1::timestamptz
  and hour < $2::timestamptz
group by 1, 2, 3, 4
order by 1, 2, 3, 4
limit $8::integer
