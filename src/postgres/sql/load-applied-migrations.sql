-- knex's own table: a row for each migration that has run.
select name from knex_migrations
