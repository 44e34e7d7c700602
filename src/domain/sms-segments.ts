/**
 * How many segments an SMS takes, which is what it costs.
 *
 * 3GPP TS 23.038: a text within the GSM 7-bit alphabet takes 160 septets alone or 153 each in a concatenation, and the
 * characters of the extension table take two; any other text is sent as UCS-2 with 70 or 67 code units.
 */
const basicAlphabet = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
)
const extensionAlphabet = new Set('\f^{}\\[~]|€')

/** Twilio refuses longer bodies with error 21617; other providers cut there too. */
export const smsCharactersMax = 1_600

export function countSmsSegments(text: string): number {
  let septets = 0
  for (const character of text) {
    if (basicAlphabet.has(character)) septets += 1
    else if (extensionAlphabet.has(character)) septets += 2
    else return segmentsOf(text.length, 70, 67)
  }
  return segmentsOf(septets, 160, 153)
}

function segmentsOf(length: number, alone: number, concatenated: number): number {
  return length <= alone ? 1 : Math.ceil(length / concatenated)
}
