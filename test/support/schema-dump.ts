/**
 * The schema of a database as text, from the catalogue: deterministic, readable in a review, and the same whatever day
 * it is (the day partitions are left out; they only repeat their parents).
 */
import type { TestDatabase } from './database.ts'

type Query = TestDatabase['query']

/** Everything that the migrations made in `public`, without knex's own tables. */
export async function dumpSchema(query: Query): Promise<string> {
  const sections = [await enums(query), await sequences(query), await tables(query), await functions(query)]
  return `${sections.flat().join('\n\n')}\n`
}

async function enums(query: Query): Promise<string[]> {
  const rows = await query<{ name: string; labels: string }>(
    `select typname as name, string_agg(quote_literal(enumlabel), ', ' order by enumsortorder) as labels
     from pg_type join pg_enum on enumtypid = pg_type.oid
     where typnamespace = 'public'::regnamespace group by typname order by typname`,
  )
  return rows.map(({ name, labels }) => `create type ${name} as enum (${labels});`)
}

async function sequences(query: Query): Promise<string[]> {
  const rows = await query<{ name: string; type: string }>(
    `select sequencename as name, data_type::text as type from pg_sequences
     where schemaname = 'public' and sequencename not like 'knex%' order by 1`,
  )
  return rows.map(({ name, type }) => `create sequence ${name} as ${type};`)
}

async function tables(query: Query): Promise<string[]> {
  const rows = await query<{ name: string; partitioning: string | null; options: string | null }>(
    `select relname as name, pg_get_partkeydef(oid) as partitioning, array_to_string(reloptions, ', ') as options
     from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
       and relname not like 'knex%'
     order by relname`,
  )
  const tableTexts: string[] = []
  for (const { name, partitioning, options } of rows) {
    const members = [...(await columns(query, name)), ...(await constraints(query, name))].map((line) => `  ${line}`)
    const partitionBy = partitioning === null ? '' : ` partition by ${partitioning}`
    const withOptions = options === null ? '' : ` with (${options})`
    tableTexts.push(
      [
        `create table ${name} (\n${members.join(',\n')}\n)${partitionBy}${withOptions};`,
        ...(await indexes(query, name)),
        ...(await triggers(query, name)),
      ].join('\n'),
    )
  }
  return tableTexts
}

async function columns(query: Query, table: string): Promise<string[]> {
  const rows = await query<{ line: string }>(
    `select concat_ws(' ', quote_ident(attname), format_type(atttypid, atttypmod),
       case when attnotnull then 'not null' end, 'default ' || pg_get_expr(adbin, adrelid)) as line
     from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
     where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum`,
    [table],
  )
  return rows.map((row) => row.line)
}

/** Without the not-null constraints: the columns say those. */
async function constraints(query: Query, table: string): Promise<string[]> {
  const rows = await query<{ line: string }>(
    `select format('constraint %I %s', conname, pg_get_constraintdef(oid)) as line from pg_constraint
     where conrelid = $1::regclass and contype <> 'n' order by contype = 'p' desc, conname`,
    [table],
  )
  return rows.map((row) => row.line)
}

/** Those that no constraint brings. */
async function indexes(query: Query, table: string): Promise<string[]> {
  const rows = await query<{ line: string }>(
    `select pg_get_indexdef(indexrelid) || ';' as line from pg_index
     where indrelid = $1::regclass and not exists (select 1 from pg_constraint where conindid = indexrelid) order by 1`,
    [table],
  )
  return rows.map((row) => row.line)
}

async function triggers(query: Query, table: string): Promise<string[]> {
  const rows = await query<{ line: string }>(
    `select pg_get_triggerdef(oid) || ';' as line from pg_trigger
     where tgrelid = $1::regclass and not tgisinternal order by tgname`,
    [table],
  )
  return rows.map((row) => row.line)
}

async function functions(query: Query): Promise<string[]> {
  const rows = await query<{ line: string }>(
    `select trim(trailing E'\\n' from pg_get_functiondef(oid)) || ';' as line from pg_proc
     where pronamespace = 'public'::regnamespace order by proname`,
  )
  return rows.map((row) => row.line)
}
