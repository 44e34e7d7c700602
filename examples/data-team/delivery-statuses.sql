-- Every status once: the statusId is the key. One row for each decision and each step of a notification.
create table if not exists delivery_statuses (
  status_id uuid primary key,
  -- Text: what was wrong about a request is told too, and an id that is no UUID may be it.
  notification_id text not null,
  delivery_id uuid,
  user_id bigint not null,
  source text not null,
  category text not null,
  channel text,
  lane text not null,
  status text not null,
  reason text,
  template_id text,
  template_version integer,
  locale text,
  provider text,
  attempt integer not null,
  segments integer,
  link_id text,
  automatic boolean not null,
  planned_deliveries integer,
  -- Unix milliseconds, for it is the producer's word: a request of the year 200000 is refused, and told.
  created_at_ms bigint not null,
  occurred_at timestamptz not null
);

create index if not exists delivery_statuses_by_delivery on delivery_statuses (delivery_id);
