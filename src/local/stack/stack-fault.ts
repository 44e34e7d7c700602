/**
 * Why a stack could not be started or a part not be brought back: lost infrastructure, so it travels as an exception.
 * The message is written for the person at the command line and says what to do; programs look at the code.
 */
export type StackFaultCode =
  | 'unsupported_platform'
  | 'prerequisite_missing'
  | 'installation_failed'
  | 'download_failed'
  | 'part_failed'
  | 'untrusted_directory'

export class StackFault extends Error {
  override readonly name = 'StackFault'
  readonly code: StackFaultCode

  constructor(code: StackFaultCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}
