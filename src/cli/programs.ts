/**
 * Every role and command by name. A program's own file is loaded only when it is called, so that naming one here costs
 * nothing.
 */
import type { Command } from 'commander'
import type { RoleDescription } from './role-command.ts'
import type { RunRole } from '../roles/role.ts'

export interface Program {
  kind: 'role' | 'command'
  summary: string
  load: () => Promise<Command>
}

function role(description: RoleDescription, load: () => Promise<{ run: RunRole }>): Program {
  return {
    kind: 'role',
    summary: description.summary,
    load: async () => {
      const [{ roleCommand }, { run }] = await Promise.all([import('./role-command.ts'), load()])
      return roleCommand(description, run)
    },
  }
}

export const programs: Readonly<Record<string, Program>> = {
  router: role(
    {
      name: 'router',
      summary: 'decide for every event and user, one lane per process',
      flags: ['lane', 'adminPort'],
      examples: ['router --lane transactional', 'router --lane bulk --admin-port 0'],
    },
    () => import('../roles/router.ts'),
  ),
  sender: role(
    {
      name: 'sender',
      summary: 'hand deliveries to a provider, one channel and lane per process',
      flags: ['channel', 'lane', 'adminPort'],
      examples: ['sender --channel sms --lane transactional', 'sender --channel ios --lane bulk'],
    },
    () => import('../roles/sender.ts'),
  ),
  retry: role(
    {
      name: 'retry',
      summary: 'let deliveries wait until they are due again, one lane per process',
      flags: ['lane', 'adminPort'],
      examples: ['retry --lane transactional'],
    },
    () => import('../roles/retry.ts'),
  ),
  scheduler: role(
    {
      name: 'scheduler',
      summary: 'bring back what waited for its time, and maintain the partitions',
      flags: ['adminPort'],
      examples: ['scheduler'],
    },
    () => import('../roles/scheduler.ts'),
  ),
  profiles: role(
    {
      name: 'profiles',
      summary: 'follow people and devices that another service publishes',
      flags: ['adminPort'],
      examples: ['profiles'],
    },
    () => import('../roles/profiles.ts'),
  ),
  gateway: role(
    {
      name: 'gateway',
      summary: 'take notifications and people’s data from services over HTTP',
      flags: ['adminPort'],
      examples: ['gateway'],
    },
    () => import('../roles/gateway.ts'),
  ),
  edge: role(
    {
      name: 'edge',
      summary: 'serve the world: links of messages, preferences, webhooks of providers',
      flags: ['adminPort'],
      examples: ['edge'],
    },
    () => import('../roles/edge.ts'),
  ),
  feedback: role(
    {
      name: 'feedback',
      summary: 'tell what providers and people reported, and stop writing to dead addresses',
      flags: ['adminPort'],
      examples: ['feedback'],
    },
    () => import('../roles/feedback.ts'),
  ),
  all: role(
    {
      name: 'all',
      summary: 'run every role in one process, for a laptop',
      flags: ['adminPort'],
      examples: ['all'],
    },
    () => import('../roles/all.ts'),
  ),
  migrate: {
    kind: 'command',
    summary: 'bring the database to this version’s schema',
    load: async () => (await import('./migrate.ts')).migrateCommand(),
  },
  topics: {
    kind: 'command',
    summary: 'apply or check Kafka’s topics',
    load: async () => (await import('./topics.ts')).topicsCommand(),
  },
  schemas: {
    kind: 'command',
    summary: 'register or check the schemas of the records',
    load: async () => (await import('./schemas.ts')).schemasCommand(),
  },
  demo: {
    kind: 'command',
    summary: 'run everything on this machine, from nothing to a reconciliation',
    load: async () => (await import('./demo.ts')).demoCommand(),
  },
  seed: {
    kind: 'command',
    summary: 'add people, categories and templates to try Fanfare with',
    load: async () => (await import('./seed.ts')).seedCommand(),
  },
  send: {
    kind: 'command',
    summary: 'publish notification events as a service would',
    load: async () => (await import('./send.ts')).sendCommand(),
  },
  status: {
    kind: 'command',
    summary: 'show what became of a notification, or of all of a person’s',
    load: async () => (await import('./status.ts')).statusCommand(),
  },
  cancel: {
    kind: 'command',
    summary: 'stop what nobody has claimed of a notification',
    load: async () => (await import('./cancel.ts')).cancelCommand(),
  },
  channels: {
    kind: 'command',
    summary: 'hold a channel back or slow it down, and let it go on',
    load: async () => (await import('./channels.ts')).channelsCommand(),
  },
  deliveries: {
    kind: 'command',
    summary: 'list deliveries by state, and decide about held ones',
    load: async () => (await import('./deliveries.ts')).deliveriesCommand(),
  },
  dlq: {
    kind: 'command',
    summary: 'look at the dead letters, and bring them back',
    load: async () => (await import('./dlq.ts')).dlqCommand(),
  },
  templates: {
    kind: 'command',
    summary: 'check, preview, publish and roll back templates',
    load: async () => (await import('./templates.ts')).templatesCommand(),
  },
  app: {
    kind: 'command',
    summary: 'let services in at the gateway, change their secrets, shut them out',
    load: async () => (await import('./app.ts')).appCommand(),
  },
  maintain: {
    kind: 'command',
    summary: 'partitions ahead and behind, expired and stuck deliveries',
    load: async () => (await import('./maintain.ts')).maintainCommand(),
  },
  doctor: {
    kind: 'command',
    summary: 'say what is wrong with what Fanfare stands on, and how to mend it',
    load: async () => (await import('./doctor.ts')).doctorCommand(),
  },
  canary: {
    kind: 'command',
    summary: 'send what is for nobody through everything, and tell how fresh it is',
    load: async () => {
      const [{ roleCommand }, { run }] = await Promise.all([import('./role-command.ts'), import('../roles/canary.ts')])
      return roleCommand(
        {
          name: 'canary',
          summary: 'send what is for nobody through everything every minute, and tell how fresh it is',
          flags: ['adminPort'],
          examples: ['canary', 'canary --admin-port 0'],
        },
        run,
      )
    },
  },
  lag: {
    kind: 'command',
    summary: 'show how far each consumer group is behind, and how fast it works',
    load: async () => (await import('./lag.ts')).lagCommand(),
  },
  stack: {
    kind: 'command',
    summary: 'run Kafka, registry, PostgreSQL and Redis on this machine',
    load: async () => (await import('./stack.ts')).stackCommand(),
  },
  simulator: {
    kind: 'command',
    summary: 'run stand-ins for the providers on this machine',
    load: async () => (await import('./simulator.ts')).simulatorCommand(),
  },
}
