/**
 * What only the edge counts: links that were followed, and what people reported on its way to Kafka.
 */
import { Counter, Gauge, type Registry } from 'prom-client'

export interface EdgeMetrics {
  /** kind: a `LinkKind`; outcome: `valid` or a `LinkRefusal`. */
  links: Counter<'kind' | 'outcome'>
  /** kind: a `FeedbackKind`; outcome: what the buffer made of it. */
  feedback: Counter<'kind' | 'outcome'>
  buffered: Gauge
}

/** Registers the metrics; once per registry. */
export function createEdgeMetrics(registry: Registry): EdgeMetrics {
  const registers = [registry]
  return {
    links: new Counter({
      name: 'fanfare_edge_links_total',
      help: 'Signed links that were followed, by kind and by whether they were good.',
      labelNames: ['kind', 'outcome'],
      registers,
    }),
    feedback: new Counter({
      name: 'fanfare_edge_feedback_total',
      help: 'What people and apps reported: taken, repeated or dropped; then published, refused or abandoned.',
      labelNames: ['kind', 'outcome'],
      registers,
    }),
    buffered: new Gauge({
      name: 'fanfare_edge_buffered_feedback',
      help: 'Reports in memory that Kafka has not acknowledged.',
      registers,
    }),
  }
}
