/**
 * The brokers of a stack: one, or several that form a cluster and keep every record on each of them.
 */
import { join } from 'node:path'
import { chooseFreePorts } from './free-port.ts'
import { kafkaPart, newKafkaId, portsPerBroker, type KafkaOptions } from './kafka.ts'
import type { PartDefinition } from './part.ts'

export interface BrokersOptions extends Pick<KafkaOptions, 'java' | 'libraries'> {
  /** Below it each broker has a folder of its own. */
  directory: string
  brokerCount: number
  /** The ports of proxies, one for each broker in order; absent where there are none. */
  advertisedPorts?: readonly number[]
}

/** One definition for each broker, by ascending node id from 1 on. */
export async function kafkaParts(options: BrokersOptions): Promise<PartDefinition[]> {
  const { brokerCount, advertisedPorts } = options
  if (advertisedPorts !== undefined && advertisedPorts.length !== brokerCount) {
    throw new RangeError(`${brokerCount} brokers need as many advertised ports, not ${advertisedPorts.length}`)
  }
  if (brokerCount === 1) return [kafkaPart({ ...options, ...advertised(advertisedPorts?.[0]) })]
  const clusterId = newKafkaId()
  const nodeIds = Array.from({ length: brokerCount }, (_, index) => index + 1)
  // The voters are named in every member's settings: all ports have to be known before the first one starts.
  const ports = await Promise.all(nodeIds.map(() => chooseFreePorts(portsPerBroker(advertisedPorts?.[0]))))
  const controllerPorts = ports.map(([, controllerPort = 0]) => controllerPort)
  return nodeIds.map((nodeId, index) =>
    kafkaPart({
      java: options.java,
      libraries: options.libraries,
      directory: join(options.directory, `broker-${nodeId}`),
      member: { nodeId, clusterId, controllerPorts, ports: ports[index] ?? [] },
      ...advertised(advertisedPorts?.[index]),
    }),
  )
}

function advertised(port: number | undefined): Pick<KafkaOptions, 'advertisedPort'> {
  return port === undefined ? {} : { advertisedPort: port }
}
