/**
 * The record of what people did by command.
 */
import type { Queryable } from './hot-path-pool.ts'
import { loadStatement } from './statement.ts'

const beginStatement = loadStatement('begin-operator-action')
const endStatement = loadStatement('end-operator-action')
const findStatement = loadStatement('find-operator-action')

export interface NewOperatorAction {
  /** The person, or who they say they are. */
  operator: string
  /** `deliveries.resolve`, `dlq.redrive`. */
  action: string
  /** A delivery id or a topic. */
  target: string
  choices: Readonly<Record<string, unknown>>
}

export interface OperatorActions {
  /** @returns the action's id. */
  begin(action: NewOperatorAction): Promise<string>
  /** Says what came of it. An action that was interrupted never gets here, and its row shows no end. */
  end(actionId: string, counts: Readonly<Record<string, number>>): Promise<void>
  /** Whether an action like this one was begun, by whomever. */
  wasBegun(action: Omit<NewOperatorAction, 'operator'>): Promise<boolean>
}

export function createOperatorActions(pool: Queryable): OperatorActions {
  return {
    begin: async ({ operator, action, target, choices }) => {
      const values = [operator, action, target, JSON.stringify(choices)]
      const [row] = await pool.query<{ action_id: string }>(beginStatement, values)
      if (row === undefined) throw new Error('an action was not recorded')
      return row.action_id
    },
    end: async (actionId, counts) => {
      await pool.query(endStatement, [actionId, JSON.stringify(counts)])
    },
    wasBegun: async ({ action, target, choices }) => {
      const [row] = await pool.query<{ found: boolean }>(findStatement, [action, target, JSON.stringify(choices)])
      return row?.found === true
    },
  }
}
