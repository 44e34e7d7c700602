/**
 * Who acts: for the record of operator actions.
 */
import { userInfo } from 'node:os'
import { Option } from 'commander'

/** `--as <name>`, for those who share an account of the machine. */
export function operatorOption(): Option {
  return new Option('--as <name>', 'who acts, for the record').default(accountName(), 'the account’s name')
}

function accountName(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run under an id that no account has.
    return `uid-${process.getuid?.() ?? 'unknown'}`
  }
}
