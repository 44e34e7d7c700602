/**
 * Examples of `/v1/analytics`.
 */
import type { Examples } from './example.ts'

export const analyticsExamples: Examples = {
  readFunnel: {
    success: () => Promise.resolve({ query: { groupBy: 'hour,template,category,channel' } }),
    known: () =>
      Promise.resolve({
        from: ['2026-11-21T00:00:00Z', '2026-11-20T10:20:30+09:00'],
        to: ['2026-11-23T00:00:00Z'],
        groupBy: ['day', 'template,channel', 'hour,category'],
      }),
  },
}
