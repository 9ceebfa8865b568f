import { z } from 'zod';

/**
 * Fields of recorded events. They hold what a fold needs to be total (a decimal that is one, a position that is one) and no more:
 * lengths and spellings are judged where a value enters, and a fact once recorded must stay readable.
 */
export const text = z.string();
export const id = z.string().min(1);

/** Wider than a decimal at the border: products and sums have more digits than what was multiplied. */
export const decimalText = z.string().regex(/^-?(0|[1-9]\d*)(\.\d+)?$/, 'a plain decimal string').meta({ id: 'DecimalText', description: 'A decimal as a string: plain notation, no exponent.' });
export const hash = z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hex digits');
export const timeMs = z.int().meta({ id: 'TimeMs', description: 'Milliseconds since 1970-01-01T00:00:00Z.' });
export const count = z.int().min(0);
/** A place in the log; -1 before the first event. */
export const positionText = z.string().regex(/^(-1|\d+)$/, 'a log position').meta({ id: 'Position', description: 'A place in the log, as a decimal string; -1 is before the first event.' });

export const mode = z.enum(['paper', 'live']);
export const side = z.enum(['buy', 'sell']);
export const signature = z.strictObject({ key_id: id, value: id }).meta({ id: 'Signature', description: 'Ed25519, base64url.' });
