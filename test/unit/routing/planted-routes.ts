/**
 * Faults of what was routed and called: whom, when, how often, on which lane, and in which words.
 */
import { aCall, ann, aRow, aStatus, ids, minuteMs, news, noon, told } from './clean-decisions.ts'
import { halfAnHour, sendAnother, type PlantedFault } from './planted-events.ts'

export const routes: Record<string, PlantedFault> = {
  'a suppressed address that was reached': [
    ['routed to a suppressed address', 'called a suppressed address'],
    (run) => run.suppressions.push({ channel: 'push', address: 'ann ios', scope: 'all' }),
  ],
  'an address suppressed for this category that was reached': [
    ['routed to a suppressed address', 'called a suppressed address'],
    (run) => run.suppressions.push({ channel: 'email', address: 'Ann@Example.com', scope: 'news' }),
  ],
  'a suppressed address of a mandatory notification that was reached': [
    ['routed to a suppressed address', 'called a suppressed address'],
    (run) => run.suppressions.push({ channel: 'sms', address: '+4915112345678', scope: 'code' }),
  ],
  'a route to a suppressed address that the sender refused': [
    'routed to a suppressed address',
    (run) => {
      run.suppressions.push({ channel: 'push', address: 'ann ios', scope: 'all' })
      run.calls.shift()
      Object.assign(
        run.statuses.find(({ deliveryId }) => deliveryId === 'd-ios')!,
        {
          status: 'suppressed',
          reason: 'address_suppressed',
        },
      )
    },
  ],
  'a channel that was switched off and is reached, whatever the category says': [
    ['routed on an opted-out channel', 'called on an opted-out channel'],
    (run) => (run.people[0]!.channelSettings = [...ann.channelSettings, { channel: 'email', optIn: false }]),
  ],
  'a category that was switched off on a channel and is reached there': [
    ['routed on an opted-out channel', 'called on an opted-out channel'],
    (run) => {
      const off = { category: 'news', channel: 'email', optIn: false }
      run.people[0]!.channelSettings = [...ann.channelSettings, { channel: 'email', optIn: true }]
      run.people[0]!.categorySettings = [...ann.categorySettings, off]
    },
  ],
  'a category that is off by default and was never switched on': [
    ['routed on an opted-out channel', 'called on an opted-out channel'],
    (run) => (run.categories[0]!.optInDefault = false),
  ],
  'a device that is not valid any more': [
    'routed to an address that is not the person’s',
    (run) => {
      const row = aRow({ deliveryId: 'd-lost', channel: 'ios', address: 'ann lost' })
      run.deliveries.push(row)
      run.calls.push(aCall(row))
      run.statuses.push(aStatus({ notificationId: ids.news, status: 'sent', deliveryId: 'd-lost', channel: 'ios' }))
      told(run, ids.news, 'routed').plannedDeliveries = 4
    },
  ],
  'a delivery to somebody else': ['routed to somebody else', (run) => (run.deliveries[0]!.userId = 2)],
  'a channel that nobody asked for': [
    'routed on a channel that was not asked for',
    (run) => {
      for (const request of run.requests.slice(0, 3)) request.channels = ['push', 'sms']
    },
  ],
  'a routing before the person had signed up': [
    'routed to somebody who was not known yet',
    (run) => (run.people[1]!.knownFrom = noon + 1),
  ],
  'a delivery for somebody who is not there': [
    [
      'routed to somebody unknown',
      'somebody unknown, and nobody was told',
      'somebody unknown who was not waited for',
      'no decision',
    ],
    (run) => {
      sendAnother(run, noon + halfAnHour, { event: { userId: 8 }, row: { userId: 8 } })
    },
  ],
  'a delivery in a category that is not there': [
    [
      'routed in a category that is not there',
      'a bad request that was not refused',
      'routed with a template that is not there',
    ],
    (run) => sendAnother(run, noon + halfAnHour, { event: { category: 'nonsense', template: 'nonsense' } }),
  ],
  'a delivery on the wrong lane': [
    ['routed on another lane than the category’s', 'called on another lane than the category’s'],
    (run) => {
      run.deliveries[3]!.lane = 'bulk'
      run.calls[3]!.lane = 'bulk'
    },
  ],
  'a call in quiet hours': ['called in quiet hours', (run) => (run.calls[0]!.at = noon + 61 * minuteMs)],
  'a call after the hours of the category': [
    ['called in quiet hours', 'a quiet window that is not the next'],
    (run) => (run.categories[0]!.sendWindow = { fromMinute: 9 * 60, untilMinute: 21 * 60 }),
  ],
  'a call that is quiet in one of the zones that may be': [
    ['called in quiet hours', 'a quiet window that is not the next'],
    (run) => {
      // One of the United States is at four in the morning, another at seven: both are Ann's for all that is known.
      Object.assign(run.people[0]!, { timeZone: 'Mars/Olympus', phoneNumber: null, locale: 'ko-US' })
      run.people[0]!.quietHours = { fromMinute: 2 * 60, untilMinute: 4 * 60 + 30 }
    },
  ],
  'a sender that is not told of the night': [
    'a quiet window that is not the next',
    (run) => Object.assign(run.deliveries[0]!, { quietFrom: null, quietUntil: null }),
  ],
  'a sender that is told of a night too late': [
    'a quiet window that is not the next',
    (run) => (run.deliveries[0]!.quietFrom = noon + 90 * minuteMs),
  ],
  'a night that the sender thinks is over': [
    'a quiet window that is not the next',
    (run) => (run.deliveries[0]!.quietUntil = noon + 9 * 60 * minuteMs),
  ],
  'a sender that is told of a night that a mandatory one ignores': [
    'a quiet window that is not the next',
    (run) => Object.assign(run.deliveries[3]!, { quietFrom: noon + minuteMs, quietUntil: noon + 2 * minuteMs }),
  ],
  'a call before the time that was asked for': [
    'called before sendAt',
    (run) => {
      run.categories[0]!.caps = []
      const sendAt = noon + halfAnHour + 1
      sendAnother(run, noon + halfAnHour, { event: { sendAt }, row: { expiresAt: sendAt + news.timeToLiveMs } })
    },
  ],
  'a call after expiry': [
    'called after expiry',
    (run) => {
      run.categories[0]!.caps = []
      const expiresAt = noon + halfAnHour - 1
      sendAnother(run, noon + halfAnHour, { event: { expiresAt }, row: { expiresAt } })
    },
  ],
  'a row that lives longer than its event': [
    'another expiry than the event’s',
    (run) => (run.deliveries[0]!.expiresAt += 1),
  ],
  'a call after the cancel': [
    'called although the cancel had come',
    (run) => {
      const { createdAt } = run.requests[0]!
      run.cancels.push({ sequence: 9, publishedAt: noon - 1, notificationId: ids.news, source: 'shop', createdAt })
    },
  ],
  'a second call to the same address': ['sent twice to one address', (run) => run.calls.push({ ...run.calls[0]! })],
  'a second delivery to the same address': [
    ['routed twice to one address', 'planned other deliveries than there are', 'a delivery without an end'],
    (run) => run.deliveries.push(aRow({ ...run.deliveries[0]!, deliveryId: 'd-again' })),
  ],
  'a call elsewhere': ['called elsewhere than it was routed to', (run) => (run.calls[0]!.address = 'ann android')],
  'a delivery of nothing': [
    ['routed what nobody asked for', 'told of what nobody asked for'],
    (run) => {
      run.deliveries.push(aRow({ deliveryId: 'x', notificationId: ids.another, channel: 'sms', address: 'x' }))
      run.statuses.push(aStatus({ notificationId: ids.another, status: 'routed' }))
    },
  ],
  'a call for nothing': [
    'called for what is not routed',
    (run) => run.calls.push({ ...run.calls[0]!, deliveryId: 'x' }),
  ],
  'one more within the hour than the category may': [
    'more than the cap allows',
    (run) => sendAnother(run, noon + 59 * minuteMs),
  ],
  'one more within the day than the person is to have of all': [
    'more than the cap allows',
    (run) => {
      run.categories[0]!.caps = []
      run.capsOverAll = [{ limit: 1, windowMs: 24 * 60 * minuteMs }]
      sendAnother(run, noon + halfAnHour)
    },
  ],
  'one where none is allowed': [
    'more than the cap allows',
    (run) => (run.categories[0]!.caps = [{ limit: 0, windowMs: 1 }]),
  ],
  'another template than the published one': [
    'routed with another template than the published one',
    (run) => (run.deliveries[0]!.templateVersion = 2),
  ],
  'a channel of which the template knows nothing': [
    'routed where the template says nothing',
    (run) => (run.templates[0]!.contents = run.templates[0]!.contents.filter(({ channel }) => channel !== 'email')),
  ],
  'the default language although there is the person’s': [
    'written in the wrong language',
    (run) => (run.deliveries[0]!.locale = 'en'),
  ],
  'the person’s language although the event asks for another': [
    'written in the wrong language',
    (run) => {
      for (const request of run.requests.slice(0, 3)) request.locale = 'en-GB'
      run.deliveries[1]!.locale = 'en'
      run.deliveries[2]!.locale = 'en'
    },
  ],
  'a text with a hole in it': [
    ['written with a variable missing', 'a missing variable, and nobody was told'],
    (run) => {
      for (const request of run.requests.slice(0, 2)) request.data = {}
    },
  ],
}
