/**
 * Faults of what was not sent and of what was said about it: reasons that do not hold, decisions that are missing or
 * contradict each other, and what nobody was told.
 */
import { aRequest, aStatus, ids, minuteMs, noon, told } from './clean-decisions.ts'
import { endAnother, halfAnHour, sendAnother, unsay, type PlantedFault } from './planted-events.ts'

export const silences: Record<string, PlantedFault> = {
  'a mandatory one withheld by an opt-out': [
    'a mandatory one withheld',
    (run) => (told(run, ids.code, 'suppressed', 'address_suppressed').reason = 'opted_out'),
  ],
  'a mandatory one put off for quiet hours': [
    'a mandatory one withheld',
    (run) => run.statuses.push(aStatus({ notificationId: ids.code, status: 'deferred', reason: 'quiet_hours' })),
  ],
  'a mandatory one put off for a cap': [
    'a mandatory one withheld',
    (run) => run.statuses.push(aStatus({ notificationId: ids.code, status: 'deferred', reason: 'over_cap' })),
  ],
  'an opt-out that nobody chose': [
    'a reason that does not hold',
    (run) => endAnother(run, { status: 'suppressed', reason: 'opted_out', channel: 'email' }),
  ],
  'an address that is there after all': [
    'a reason that does not hold',
    (run) => endAnother(run, { status: 'suppressed', reason: 'no_address', channel: 'email' }),
  ],
  'a suppression that nobody wrote down': [
    'a reason that does not hold',
    (run) => (run.suppressions[0]!.scope = 'news'),
  ],
  'content that is there after all': [
    'a reason that does not hold',
    (run) => endAnother(run, { status: 'suppressed', reason: 'no_template', channel: 'email' }),
  ],
  'a suppression without a reason': [
    'a reason that does not hold',
    (run) => endAnother(run, { status: 'suppressed', channel: 'email' }),
  ],
  'one that was dropped where caps defer': [
    'a reason that does not hold',
    (run) => endAnother(run, { status: 'suppressed', reason: 'capped' }),
  ],
  'one that was dropped below the cap': [
    'a reason that does not hold',
    (run) => {
      Object.assign(run.categories[0]!, { overCap: 'drop', caps: [{ limit: 2, windowMs: halfAnHour }] })
      endAnother(run, { status: 'suppressed', reason: 'capped' })
    },
  ],
  'one that was put off below the cap': [
    'a reason that does not hold',
    (run) => {
      run.categories[0]!.caps = [{ limit: 1, windowMs: minuteMs }]
      sendAnother(run, noon + halfAnHour)
      const said = { status: 'deferred', reason: 'over_cap', occurredAt: noon + 20 * minuteMs }
      run.statuses.push(aStatus({ notificationId: ids.another, ...said }))
    },
  ],
  'one that was put off for a night that is not': [
    'a reason that does not hold',
    (run) => {
      run.categories[0]!.caps = []
      sendAnother(run, noon + halfAnHour)
      run.statuses.push(aStatus({ notificationId: ids.another, status: 'deferred', reason: 'quiet_hours' }))
    },
  ],
  'one that was put off to a time that has come': [
    'a reason that does not hold',
    (run) => (told(run, ids.cancelled, 'deferred', 'send_at').occurredAt = noon + halfAnHour),
  ],
  'one that expired while there was time': [
    'a reason that does not hold',
    (run) => endAnother(run, { status: 'expired', reason: 'past_expiry' }),
  ],
  'one that was cancelled by nobody': [
    'a reason that does not hold',
    (run) => endAnother(run, { status: 'cancelled' }),
  ],
  'one that was cancelled by the cancel of another day': [
    'a reason that does not hold',
    (run) => (run.cancels[0]!.createdAt -= 24 * 60 * minuteMs),
  ],
  'a refusal without a cause': [
    'a reason that does not hold',
    (run) => endAnother(run, { status: 'failed', reason: 'too_old' }),
  ],
  'a variable that is not the missing one': [
    'a reason that does not hold',
    (run) => (told(run, ids.hole, 'failed', 'missing_variable').detail = 'name'),
  ],
  'somebody known who is said not to be': [
    'a reason that does not hold',
    (run) => endAnother(run, { status: 'failed', reason: 'unknown_user', occurredAt: noon + 2 * minuteMs }),
  ],
  'somebody who was given up at once': [
    'a reason that does not hold',
    (run) => (told(run, ids.stranger, 'failed', 'unknown_user').occurredAt = noon + minuteMs),
  ],
  'somebody who was not waited for': [
    'somebody unknown who was not waited for',
    (run) => unsay(run, ids.stranger, 'deferred', 'user_pending'),
  ],
  'somebody unknown of whom nobody was told': [
    ['somebody unknown, and nobody was told', 'no decision'],
    (run) => unsay(run, ids.stranger, 'failed', 'unknown_user'),
  ],
  'a missing variable of which nobody was told': [
    ['a missing variable, and nobody was told', 'no decision'],
    (run) => unsay(run, ids.hole, 'failed', 'missing_variable'),
  ],
  'a bad request that nobody answered': [
    ['a bad request that was not refused', 'no decision'],
    (run) => unsay(run, ids.nonsense, 'failed', 'unknown_category'),
  ],
  'a cancel that came first and was not told': [
    ['cancelled before it came, and not told so', 'no decision'],
    (run) => {
      unsay(run, ids.cancelled, 'cancelled')
      run.cancels[0]!.sequence = 4
    },
  ],
  'a copy of which nobody was told': [
    'a copy that was not told as a duplicate',
    (run) => unsay(run, ids.news, 'duplicate', 'repeated_id'),
  ],
  'a conflict of which nobody was told': [
    'a conflict that was not told',
    (run) => unsay(run, ids.news, 'duplicate', 'conflict'),
  ],
  'a conflict that was told as a copy': [
    ['other content told as a mere copy', 'a conflict that was not told'],
    (run) => {
      unsay(run, ids.news, 'duplicate', 'conflict')
      run.requests.splice(1, 1)
    },
  ],
  'a copy that was told as a conflict': ['a copy told as a conflict', (run) => run.requests.splice(2, 1)],
  'an event that was taken for its own copy': [
    'a duplicate of itself',
    (run) => run.statuses.push(aStatus({ notificationId: ids.code, status: 'duplicate', reason: 'repeated_id' })),
  ],
  'a copy of the wrong record': [
    'a duplicate of another record than the first',
    (run) => (told(run, ids.news, 'duplicate', 'repeated_id').original!.offset = '1'),
  ],
  'an event that nobody says anything about': [
    'no decision',
    (run) => run.requests.push(aRequest({ notificationId: ids.another, sequence: 20 })),
  ],
  'a channel that nobody says anything about': [
    'no decision',
    (run) => unsay(run, ids.news, 'suppressed', 'opted_out'),
  ],
  'a device that was left out': [
    'no decision',
    (run) => {
      const { devices } = run.people[0]!
      run.people[0]!.devices = devices.map((device) => ({ ...device, isValid: true }))
    },
  ],
  'one that should have gone by now': [
    'no decision',
    (run) => {
      run.requests.push(aRequest({ notificationId: ids.another, sequence: 20 }))
      const waiting = { notificationId: ids.another, source: 'shop', deliveryId: null }
      run.waiting.push({ ...waiting, dueAt: run.endedAt - 1 })
    },
  ],
  'an event that was routed and failed': [
    ['two decisions that exclude each other', 'a reason that does not hold'],
    (run) => run.statuses.push(aStatus({ notificationId: ids.news, status: 'failed', reason: 'too_old' })),
  ],
  'a channel with two reasons': [
    ['two decisions that exclude each other', 'a reason that does not hold'],
    (run) =>
      run.statuses.push(
        aStatus({ notificationId: ids.news, status: 'suppressed', channel: 'sms', reason: 'no_address' }),
      ),
  ],
  'a channel that was suppressed and reached': [
    ['two decisions that exclude each other', 'a reason that does not hold'],
    (run) =>
      run.statuses.push(
        aStatus({ notificationId: ids.news, status: 'suppressed', channel: 'push', reason: 'opted_out' }),
      ),
  ],
  'an event that was routed twice': [
    'routed more than once',
    (run) => run.statuses.push({ ...told(run, ids.news, 'routed'), statusId: 'another' }),
  ],
  'more deliveries than were planned': [
    'planned other deliveries than there are',
    (run) => (told(run, ids.news, 'routed').plannedDeliveries = 2),
  ],
  'deliveries that nobody announced': ['deliveries without a routing', (run) => unsay(run, ids.code, 'routed')],
  'a delivery with two ends': [
    'a delivery with two ends',
    (run) =>
      run.statuses.push(
        aStatus({ notificationId: ids.news, status: 'failed', deliveryId: 'd-ios', channel: 'ios', reason: 'refused' }),
      ),
  ],
  'a delivery that nobody ends': ['a delivery without an end', (run) => unsay(run, ids.code, 'sent')],
  'a delivery that is sent, and no provider has it': ['an end that the ledger contradicts', (run) => run.calls.shift()],
}
