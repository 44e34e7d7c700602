-- $1 app key   $2 SHA-256 of the secret
insert into app_secrets (app_key, secret_hash)
values ($1::text, $2::bytea)
