-- $1 template id
update templates set published = false where template_id = $1::text and published
