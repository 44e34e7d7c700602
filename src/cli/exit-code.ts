/**
 * What the process says to its caller when it ends. 64 and 78 are those of BSD's sysexits.h, which init systems and
 * scripts know: neither goes away by trying again.
 */
export const exitCodes = { success: 0, failure: 1, usage: 64, configuration: 78 } as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]
