-- $1 template id   $2 version   $3 who
update templates set published = true, published_at = now(), published_by = $3::text
where template_id = $1::text and version = $2::integer
returning version
