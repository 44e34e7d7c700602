/**
 * What the generated tests of the gateway need to know of an operation besides its schema: a request that succeeds, and
 * one for each refusal that is its own.
 */
import type { TestDatabase } from '../database.ts'
import { call, type Answer, type TestApp, type TestGateway } from '../gateway.ts'
import type { Pipeline } from '../pipeline.ts'

/** What examples may use; everything in it is there before the first test. */
export interface GatewayWorld {
  gateway: TestGateway
  database: TestDatabase
  pipeline: Pipeline
  /** Has every scope. */
  app: TestApp
  /** The ids of people with an email address and a number. */
  userIds: readonly number[]
}

export interface ExampleRequest {
  /** Of the path, by name. */
  params?: Readonly<Record<string, string>>
  query?: Readonly<Record<string, string>>
  headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  json?: unknown
  /** Sent as it is. */
  raw?: { contentType: string; body: string } | undefined
}

export interface Example {
  /** Succeeds, as often as it is made. */
  success(world: GatewayWorld): Promise<ExampleRequest>
  /**
   * By status: a request that is refused so. Needed for every declared refusal but those that every operation has (400,
   * 401, 403, 429, 500, 503) and those of bodies (413, 415).
   */
  refusals?: Readonly<Record<number, (world: GatewayWorld) => Promise<ExampleRequest>>>
  /** Refusals that come about only where two requests meet: there is no request that is sure of one. */
  byChance?: readonly number[]
  /** Values that fit by the name of a parameter or field: fuzzed requests take them often. */
  known?: (world: GatewayWorld) => Promise<Readonly<Record<string, readonly unknown[]>>>
}

/** By operationId. */
export type Examples = Readonly<Record<string, Example>>

/** A request of an operation, as an app makes it. */
export function callOperation(
  gateway: Pick<TestGateway, 'url'>,
  { method, path }: { method: string; path: string },
  { params = {}, query = {}, headers = {}, json, raw }: ExampleRequest,
  app?: TestApp,
): Promise<Answer> {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))
  const search = new URLSearchParams(query).toString()
  return call(gateway, search === '' ? filled : `${filled}?${search}`, {
    method: method.toUpperCase(),
    headers,
    ...(app === undefined ? {} : { app }),
    ...(json === undefined ? {} : { json }),
    ...(raw === undefined ? {} : { raw }),
  })
}
