import type { FailureAlert } from '../../../src/services/sender/failure-alert.ts'

export function aFailureAlert(choices: Partial<FailureAlert> = {}): FailureAlert {
  return {
    channel: 'sms',
    lane: 'bulk',
    provider: 'twilio',
    reason: 'timed_out',
    failures: 51,
    windowMs: 60_000,
    ...choices,
  }
}
