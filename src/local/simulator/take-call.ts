/**
 * What happens to every call, whatever its protocol: fault → verdict → ledger → latency → answer.
 *
 * The ledger is written as soon as the call is decided, before the latency: a provider that has read a request acts on
 * it even if the caller gives up or dies while waiting, and tests that kill processes count exactly those.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Encounter, Faults } from './faults.ts'
import type { Ledger, LedgerEntry, Verdict } from './ledger.ts'
import type { ProtocolAnswers, Reaction, TakeCall } from './simulator-server.ts'

const html = '<!doctype html><html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>\n'

interface Decision {
  verdict: Verdict
  providerMessageId: string | null
  reaction: Reaction
}

interface TakingCore {
  ledger: Ledger
  faults: Faults
  /** Unix ms. */
  now(): number
  /** Told of every message that the provider has, whether or not its caller ever hears so. */
  accepted(call: LedgerEntry): void
}

export function createTakeCall(core: TakingCore): TakeCall {
  return async (call, answers) => {
    const receivedAtMs = core.now()
    const { fault, latencyMs } = core.faults.encounter(call)
    const { verdict, providerMessageId, reaction } = decide(fault, answers)
    const status = reaction.kind === 'answer' ? reaction.status : null
    const entry = core.ledger.record({ ...call, receivedAtMs, verdict, providerMessageId, status })
    if (verdict === 'accepted') core.accepted(entry)
    // Unreferenced: a stopped simulator must not be held up by the latency of calls that nobody waits for.
    if (latencyMs > 0) await wait(latencyMs, undefined, { ref: false })
    if (reaction.kind === 'answer') core.ledger.answered(entry.sequence, core.now())
    return reaction
  }
}

function decide(fault: Encounter['fault'], answers: ProtocolAnswers): Decision {
  switch (fault?.kind) {
    case undefined:
      return answered(answers)
    case 'status': {
      const { status, headers, body } = answers.refuse({
        status: fault.status,
        ...(fault.code === undefined ? {} : { code: fault.code }),
        ...(fault.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: fault.retryAfterSeconds }),
      })
      return { verdict: 'refused', providerMessageId: null, reaction: { kind: 'answer', status, headers, body } }
    }
    case 'html': {
      const headers = { 'content-type': 'text/html; charset=utf-8' }
      const reaction: Reaction = { kind: 'answer', status: fault.status, headers, body: html }
      return { verdict: 'none', providerMessageId: null, reaction }
    }
    case 'hang':
    case 'reset': {
      const reaction: Reaction = { kind: fault.kind }
      if (fault.when === 'before') return { verdict: 'none', providerMessageId: null, reaction }
      return { ...answered(answers), reaction }
    }
  }
}

function answered(answers: ProtocolAnswers): Decision {
  const { verdict, providerMessageId, status, headers, body } = answers.decide()
  return { verdict, providerMessageId, reaction: { kind: 'answer', status, headers, body } }
}
