-- Every version of every template, or of one, newest first.
--
-- $1 template id, or null for all   $2 limit
select
  templates.template_id,
  templates.version,
  templates.published,
  templates.description,
  templates.default_locale,
  templates.created_at,
  templates.published_at,
  templates.published_by,
  array(
    select contents.channel || ' ' || string_agg(contents.locale, ' ' order by contents.locale)
    from template_contents as contents
    where contents.template_id = templates.template_id and contents.version = templates.version
    group by contents.channel
    order by contents.channel
  ) as contents
from templates
where $1::text is null or templates.template_id = $1::text
order by templates.template_id, templates.version desc
limit $2::integer
