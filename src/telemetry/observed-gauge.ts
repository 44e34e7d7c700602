/**
 * A gauge that is asked for at each scrape instead of being kept: it cannot drift from what it measures, and what is not
 * there any more has no series.
 */
import { Gauge, type Registry } from 'prom-client'

export interface ObservedGaugeOptions<Label extends string> {
  name: string
  help: string
  labelNames: Label[]
  /** Every series there is at this moment. Synchronous, from memory only. */
  read(): Iterable<readonly [labels: Record<Label, string>, value: number]>
}

export function observedGauge<Label extends string>(
  registry: Registry,
  { read, ...options }: ObservedGaugeOptions<Label>,
): Gauge<Label> {
  return new Gauge({
    ...options,
    registers: [registry],
    collect() {
      this.reset()
      // prom-client's types want every label optional, and ours say which there are.
      for (const [labels, value] of read()) this.set(labels as Partial<Record<Label, string>>, value)
    },
  })
}
