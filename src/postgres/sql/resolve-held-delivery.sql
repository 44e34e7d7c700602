-- A person decides what a held delivery came to: sent, or to be tried again from now on. Only over a row that is still
-- held at the hop that the person was shown. No claim moves such a row, so the two cannot meet.
--
-- $1 day   $2 delivery id   $3 hop   $4 state: sent or retrying
update deliveries
set
  state = $4::delivery_state,
  reason = case $4::delivery_state when 'sent' then null else reason end,
  next_due_at = case $4::delivery_state when 'retrying' then now() end,
  updated_at = now()
where day = $1::date
  and delivery_id = $2::uuid
  and hop = $3::integer
  and state = 'unknown'
returning
  delivery_id, notification_id, source, user_id, category, lane, channel, template_id, template_version, locale,
  state, hop, attempt, reason, next_due_at, lease_until, provider, provider_message_id, created_at, expires_at, updated_at
