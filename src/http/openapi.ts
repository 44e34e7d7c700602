/**
 * The OpenAPI 3.1 document of a server, made of the schemas of its routes, and the page that shows it. The page's
 * assets come from this process: it loads nothing from elsewhere.
 */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import type { HttpServer } from './server.ts'

export interface ApiDescription {
  title: string
  description: string
  version: string
  tags: readonly { name: string; description: string }[]
}

/** Describes every route that is registered after it. The page is at `/docs`, the document at `/docs/json`. */
export async function describeRoutes(
  server: HttpServer,
  { title, description, version, tags }: ApiDescription,
): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title,
        description,
        version,
        license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      },
      servers: [{ url: '/' }],
      tags: [...tags],
      components: {
        securitySchemes: {
          app: { type: 'http', scheme: 'basic', description: 'The app’s key and one of its secrets' },
        },
      },
      security: [{ app: [] }],
    },
    transform: (given) => {
      const { schema, url } = jsonSchemaTransform(given)
      // What a caller needs for it: OpenAPI itself knows scopes of OAuth alone.
      return { url, schema: { ...schema, ['x-scope' as string]: given.route.config?.scope } }
    },
    transformObject: (given) => withoutNoise(withUsedComponents(jsonSchemaTransformObject(given))),
  })
  await server.register(swaggerUi, { routePrefix: '/docs', staticCSP: pagePolicy, theme: { title } })
}

/** The page shows itself and asks this server, and nothing else. */
const pagePolicy =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; " +
  "frame-ancestors 'none'"

/** Formats that say it all: the patterns that zod writes beside them are pages long. */
const tellingFormats: readonly unknown[] = ['date-time', 'date', 'uuid', 'email']

function withoutNoise<Part>(part: Part): Part {
  const text = JSON.stringify(part, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const isTold = 'format' in value && tellingFormats.includes(value.format)
    return Object.fromEntries(Object.entries(value).filter(([name]) => !(isTold && name === 'pattern')))
  })
  return JSON.parse(text) as Part
}

interface ApiDocument {
  paths?: object
  components?: { schemas?: Record<string, unknown> }
}

const componentPrefix = '#/components/schemas/'

/**
 * The transform declares every named schema of the process twice, for what comes in and what goes out. Those that
 * nobody refers to are left out, and the `Input` that it adds to a name where only one of the two is used.
 */
function withUsedComponents<Document extends ApiDocument>(document: Document): Document {
  const schemas = document.components?.schemas ?? {}
  const used = new Set<string>()
  const pending = referencesIn(document.paths)
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (used.has(name)) continue
    used.add(name)
    pending.push(...referencesIn(schemas[name]))
  }
  const shortened = (name: string) => {
    const short = name.replace(/Input$/, '')
    return used.has(short) ? name : short
  }
  const kept = { ...document, components: { ...document.components, schemas: pick(schemas, used) } }
  const text = JSON.stringify(kept).replaceAll(/"#\/components\/schemas\/([^"]+)"/g, (_, name: string) =>
    JSON.stringify(componentPrefix + shortened(name)),
  )
  const renamed = JSON.parse(text) as Document
  const entries = Object.entries(renamed.components?.schemas ?? {}).map(([name, schema]) => [shortened(name), schema])
  return { ...renamed, components: { ...renamed.components, schemas: Object.fromEntries(entries) } }
}

function pick(schemas: Readonly<Record<string, unknown>>, names: ReadonlySet<string>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(schemas).filter(([name]) => names.has(name)))
}

function referencesIn(part: unknown): string[] {
  const text = JSON.stringify(part) ?? ''
  return [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name = '']) => name)
}
