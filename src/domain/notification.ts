/**
 * The public request records, as avro/ has them. Times are Unix milliseconds.
 */

/** A scalar of template data; money and integers beyond 2^53 are strings. */
export type TemplateScalar = null | boolean | number | string
/** Template data: scalars, and lists of flat maps (a receipt has lines). */
export type TemplateData = Record<string, TemplateScalar | Record<string, TemplateScalar>[]>

export interface NotificationRequested {
  /** A UUID, and the event id: (source, notificationId) is sent once. */
  notificationId: string
  /** The app that asks. */
  source: string
  userId: number
  category: string
  /** A template id, or null for the category's. */
  template: string | null
  locale: string | null
  data: TemplateData
  /** Request channels, or null for the category's. */
  channels: string[] | null
  sendAt: number | null
  expiresAt: number | null
  collapseKey: string | null
  createdAt: number
}

export interface NotificationCancelled {
  notificationId: string
  source: string
  userId: number
  /** The request's createdAt: it gives the day of the log row. */
  createdAt: number
  cancelledAt: number
}
