-- $1–$4 the contents asked for, by column: template ids, versions, channels, locales
select contents.template_id, contents.version, contents.channel, contents.locale, contents.content
from unnest($1::text[], $2::integer[], $3::text[], $4::text[]) as wanted(template_id, version, channel, locale)
join template_contents as contents using (template_id, version, channel, locale)
