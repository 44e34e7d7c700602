-- One version of a template with all that it says, as rows of contents; no row if there is no such version.
--
-- $1 template id   $2 version, or null for the published one
select
  templates.version,
  templates.published,
  templates.description,
  templates.default_locale,
  contents.template_id,
  contents.channel,
  contents.locale,
  contents.variables,
  contents.content
from templates
left join template_contents as contents using (template_id, version)
where templates.template_id = $1::text
  and case when $2::integer is null then templates.published else templates.version = $2::integer end
order by contents.channel, contents.locale
