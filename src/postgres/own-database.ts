/**
 * A database for the time that something runs, on a server that belongs to others too.
 */
import { Client } from 'pg'

export interface OwnDatabase {
  url: string
  /** Removes it with all that is in it, whoever is still connected. */
  drop(): Promise<void>
}

/**
 * Creates an empty database beside the one of the URL, whose user may create some.
 * @param name lower-case letters, digits and underscores, nothing else.
 */
export async function createOwnDatabase(url: string, name: string): Promise<OwnDatabase> {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name)) throw new RangeError(`${name} is no name of a database`)
  await onServer(url, `create database ${name}`)
  const own = new URL(url)
  own.pathname = `/${name}`
  return { url: own.href, drop: () => onServer(url, `drop database if exists ${name} with (force)`) }
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
