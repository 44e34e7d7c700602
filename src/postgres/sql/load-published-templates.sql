-- The published version of some templates, with the locales that each channel has.
--
-- $1 template ids
select
  published.template_id,
  published.version,
  contents.channel,
  array_agg(contents.locale order by contents.locale) filter (where contents.locale is not null) as locales
from templates as published
left join template_contents as contents using (template_id, version)
where published.published
  and published.template_id = any($1::text[])
group by published.template_id, published.version, contents.channel
