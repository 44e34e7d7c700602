/**
 * The examples of every group of routes; a test holds that no operation is without one.
 */
import { analyticsExamples } from './analytics.ts'
import { catalogueExamples } from './catalogue.ts'
import type { Examples } from './example.ts'
import { notificationExamples } from './notifications.ts'
import { peopleExamples } from './people.ts'

export const allExamples: Examples = {
  ...notificationExamples,
  ...peopleExamples,
  ...catalogueExamples,
  ...analyticsExamples,
}
