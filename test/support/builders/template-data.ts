/**
 * Arbitrary template data for properties: every kind of value that the schema's union allows, awkward ones included.
 */
import fc from 'fast-check'
import type { TemplateData, TemplateScalar } from '../../../src/domain/notification.ts'

const text = fc.string({ unit: 'binary', maxLength: 100 })
const key = fc.oneof(text, fc.constantFrom('__proto__', 'constructor', 'toString', '', 'length'))

const scalar: fc.Arbitrary<TemplateScalar> = fc.oneof(fc.constant(null), fc.boolean(), fc.double(), text)
const lines = fc.array(fc.dictionary(key, scalar, { maxKeys: 4 }), { maxLength: 4 })

/** Strings are well-formed; doubles include NaN, the infinities and -0. */
export const anyTemplateData: fc.Arbitrary<TemplateData> = fc.dictionary(key, fc.oneof(scalar, lines), { maxKeys: 8 })
