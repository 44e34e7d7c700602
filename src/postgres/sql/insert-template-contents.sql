-- $1 template id   $2 version   $3 contents: a list of {channel, locale, variables, content}
insert into template_contents (template_id, version, channel, locale, content, variables)
select $1::text, $2::integer, given.channel, given.locale, given.content,
  array(select jsonb_array_elements_text(given.variables))
from jsonb_to_recordset($3::jsonb) as given(channel text, locale text, variables jsonb, content jsonb)
