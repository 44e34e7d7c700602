/**
 * The gateway's OpenAPI document as its routes describe themselves, without anything behind them.
 */
import { createLogger } from '../../src/telemetry/log.ts'
import { packageVersion } from '../../src/roles/package-version.ts'
import { createGatewayServer } from '../../src/services/gateway/gateway-server.ts'
import type { GatewayPorts } from '../../src/services/gateway/gateway.ts'

export interface OpenApiDocument {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, JsonSchema> }
}

export interface Operation {
  operationId: string
  'x-scope': string
  summary: string
  tags: string[]
  parameters?: { name: string; in: 'path' | 'query' | 'header'; required?: boolean; schema: JsonSchema }[]
  requestBody?: { required?: boolean; content: Record<string, { schema: JsonSchema }> }
  responses: Record<string, { description: string; content?: Record<string, { schema: JsonSchema }> }>
}

/** A schema of JSON Schema 2020-12, as far as the document uses it. */
export interface JsonSchema {
  $ref?: string
  type?: string | string[]
  format?: string
  enum?: unknown[]
  const?: unknown
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  exclusiveMaximum?: number
  items?: JsonSchema
  minItems?: number
  maxItems?: number
  properties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: boolean | JsonSchema
  propertyNames?: JsonSchema
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  allOf?: JsonSchema[]
  default?: unknown
  /** Some of its values. */
  examples?: unknown[]
}

/** A group of routes takes its ports apart when it is registered; nothing calls them here. */
const noPorts: object = new Proxy(() => {}, { get: (_target, name) => (name === 'then' ? undefined : noPorts) })

export async function readOpenApiDocument(): Promise<OpenApiDocument> {
  const server = await createGatewayServer({
    version: packageVersion(),
    http: { log: createLogger({ role: 'gateway', level: 'error' }), trustedProxies: 0, observe: () => {} },
    authentication: {
      apps: { find: () => Promise.resolve(undefined), findAnew: () => Promise.resolve(undefined) },
      now: Date.now,
      observe: () => {},
    },
    counter: { count: () => Promise.resolve({ requests: 1, windowEndsInMs: 1 }) },
    routes: noPorts as unknown as GatewayPorts,
  })
  try {
    const response = await server.inject({ url: '/docs/json' })
    if (response.statusCode !== 200) throw new Error(`the document is not there: ${response.body}`)
    return response.json<OpenApiDocument>()
  } finally {
    await server.close()
  }
}
