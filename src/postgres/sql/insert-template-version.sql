-- The next version of a template, without contents yet, published. The template is locked and nothing of it published.
--
-- $1 template id   $2 description   $3 default locale   $4 who
insert into templates (template_id, version, published, description, default_locale, published_at, published_by)
select $1::text, coalesce(max(version), 0) + 1, true, $2::text, $3::text, now(), $4::text
from templates where template_id = $1::text
returning version
