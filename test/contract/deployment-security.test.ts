import assert from 'node:assert/strict'
import { isIPv4, isIPv6, BlockList } from 'node:net'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { checkConfiguration } from '../support/deployment/configuration-check.ts'
import { expectedProcesses } from '../support/deployment/expected-processes.ts'
import { kubectlMissing, ofKind, overlays, renderOverlay, type Manifest } from '../support/deployment/overlays.ts'
import { workloads } from '../support/deployment/workloads.ts'

/**
 * What the Pod Security Standard `restricted` asks of a pod, and what it does not ask but we do: a file system that
 * nothing can be written to, no token of the API server, no foreign variables. Strict: a volume, a host's port or a
 * capability that somebody adds has to be thought about here first.
 */
const restrictedPod = z.strictObject({
  terminationGracePeriodSeconds: z.number().optional(),
  restartPolicy: z.literal('Never').optional(),
  topologySpreadConstraints: z.array(z.unknown()).optional(),
  automountServiceAccountToken: z.literal(false),
  enableServiceLinks: z.literal(false),
  securityContext: z.strictObject({
    runAsNonRoot: z.literal(true),
    // The user of the image: a number, so that the kubelet can tell that it is not root.
    runAsUser: z.literal(1000),
    runAsGroup: z.literal(1000),
    seccompProfile: z.strictObject({ type: z.literal('RuntimeDefault') }),
  }),
  containers: z.tuple([
    z.looseObject({
      ports: z.array(z.strictObject({ name: z.string(), containerPort: z.int().min(1024) })).optional(),
      securityContext: z.strictObject({
        allowPrivilegeEscalation: z.literal(false),
        readOnlyRootFilesystem: z.literal(true),
        capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
      }),
      resources: z.strictObject({
        requests: z.strictObject({ cpu: z.string(), memory: z.string() }),
        // Without a limit of CPU: throttling a consumer makes its group rebalance.
        limits: z.strictObject({ memory: z.string() }),
      }),
    }),
  ]),
})

function podOf(manifest: Manifest): unknown {
  return z.object({ template: z.object({ spec: z.unknown() }) }).parse(manifest['spec']).template.spec
}

const selector = z.strictObject({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z
    .array(z.strictObject({ key: z.string(), operator: z.literal('In'), values: z.array(z.string()) }))
    .optional(),
})
const peer = z.strictObject({
  namespaceSelector: selector.optional(),
  podSelector: selector.optional(),
  ipBlock: z.strictObject({ cidr: z.string(), except: z.array(z.string()) }).optional(),
})
const ports = z.array(
  z.strictObject({ port: z.union([z.number(), z.string()]), protocol: z.enum(['TCP', 'UDP']).optional() }),
)
const networkPolicy = z.strictObject({
  podSelector: selector,
  policyTypes: z.array(z.enum(['Ingress', 'Egress'])),
  ingress: z.array(z.strictObject({ from: z.array(peer), ports })).optional(),
  egress: z.array(z.strictObject({ to: z.array(peer), ports })).optional(),
})

function selects({ matchLabels = {}, matchExpressions = [] }: z.infer<typeof selector>, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ''))
  )
}
type Labels = Readonly<Record<string, string>>

for (const overlay of overlays) {
  describe(`the overlay ${overlay}`, { skip: kubectlMissing }, () => {
    const manifests = kubectlMissing === false ? renderOverlay(overlay) : []
    const policies = ofKind(manifests, 'NetworkPolicy').map(({ metadata, spec }) => ({
      name: metadata.name,
      ...networkPolicy.parse(spec),
    }))
    const pods = [...workloads(manifests, 'Deployment'), ...workloads(manifests, 'Job')]

    test('has a namespace that takes restricted pods only', () => {
      const [namespace] = ofKind(manifests, 'Namespace')
      assert.equal(namespace?.metadata.labels['pod-security.kubernetes.io/enforce'], 'restricted')
    })

    test('has restricted pods only', () => {
      for (const manifest of [...ofKind(manifests, 'Deployment'), ...ofKind(manifests, 'Job')]) {
        const parsed = restrictedPod.safeParse(podOf(manifest))
        assert.ok(parsed.success, `${manifest.metadata.name}: ${parsed.success ? '' : z.prettifyError(parsed.error)}`)
      }
    })

    test('lets nothing in or out of any pod but what a policy opens', () => {
      const denying = policies.filter(({ podSelector, policyTypes, ingress, egress }) => {
        const everyPod = Object.keys(podSelector).length === 0
        return everyPod && policyTypes.length === 2 && ingress === undefined && egress === undefined
      })
      assert.deepEqual(
        denying.map(({ name }) => name),
        ['default-deny'],
      )
    })

    const reach = (name: string) => (labels: Labels) =>
      policies.some((policy) => policy.name === name && selects(policy.podSelector, labels))

    test('opens to every role the ways to what its configuration names, and no other', async () => {
      const ways: Readonly<Record<string, string>> = {
        FANFARE_KAFKA_BROKERS: 'to-kafka',
        FANFARE_REGISTRY_URL: 'to-registry',
        FANFARE_POSTGRES_URL: 'to-postgres',
        FANFARE_REDIS_URL: 'to-redis',
      }
      for (const { role } of await expectedProcesses()) {
        const [pod] = pods.filter(({ container }) => container.args[0] === role)
        assert.ok(pod !== undefined, role)
        const { read } = await checkConfiguration(role, pod.environment)
        for (const [variable, policy] of Object.entries(ways))
          assert.equal(reach(policy)(pod.labels), read.has(variable), `${role} ${policy}`)
        assert.equal(reach('to-providers')(pod.labels), role === 'sender', role)
        assert.ok(reach('to-dns')(pod.labels) && reach('from-prometheus')(pod.labels))
        assert.equal(reach('from-services')(pod.labels), role === 'gateway')
        assert.equal(reach('from-ingress')(pod.labels), role === 'edge')
      }
    })

    test('opens to every Job the one way that it needs', () => {
      const ways = { migrate: 'to-postgres', 'register-schemas': 'to-registry', 'check-topics': 'to-kafka' }
      for (const [job, way] of Object.entries(ways)) {
        const pod = pods.find(({ name }) => name === job)
        const open = Object.values({ ...ways, redis: 'to-redis', providers: 'to-providers' }).filter((name) =>
          reach(name)(pod?.labels ?? {}),
        )
        assert.deepEqual(open, [way], job)
      }
    })

    test('lets senders reach the internet and nothing inside', () => {
      const providers = policies.find(({ name }) => name === 'to-providers')
      const blocks = providers?.egress?.flatMap(({ to }) => to.flatMap(({ ipBlock }) => ipBlock ?? [])) ?? []
      const allows = (address: string) =>
        blocks.some(({ cidr, except }) => isWithin(address, cidr) && !except.some((range) => isWithin(address, range)))
      assert.ok(allows('17.188.0.1') && allows('2620:149::1'))
      const inside = [
        '10.0.0.1',
        '172.16.0.1',
        '192.168.1.1',
        '169.254.169.254',
        '127.0.0.1',
        '100.64.0.1',
        'fd00::1',
        'fe80::1',
      ]
      assert.deepEqual(inside.filter(allows), [])
    })
  })
}

function isWithin(address: string, cidr: string): boolean {
  const [network = '', prefix = ''] = cidr.split('/')
  if (isIPv4(address) !== isIPv4(network)) return false
  const list = new BlockList()
  list.addSubnet(network, Number(prefix), isIPv6(network) ? 'ipv6' : 'ipv4')
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}
