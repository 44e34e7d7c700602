-- The published version of some templates, a row for each of its contents; one row without a channel if it has none.
--
-- $1 template ids
select
  published.template_id,
  published.version,
  published.default_locale,
  contents.channel,
  contents.locale,
  contents.variables
from templates as published
left join template_contents as contents using (template_id, version)
where published.published
  and published.template_id = any($1::text[])
order by published.template_id, contents.channel, contents.locale
