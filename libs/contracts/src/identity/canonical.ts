import { hash } from 'node:crypto';

// Nearly all text of events is plain ASCII; the test costs a fraction of what spelling it with escapes does.
const NEEDS_NO_ESCAPE = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

const quoted = (text: string): string => (NEEDS_NO_ESCAPE.test(text) ? `"${text}"` : JSON.stringify(text));

/** Most objects are written with their keys in no order; those hashed again are often in order already. */
const sortedKeys = (value: object): readonly string[] => {
  const keys = Object.keys(value);
  // The default order of sort is that of code units.
  for (let i = 1; i < keys.length; i += 1) if ((keys[i - 1] ?? '') > (keys[i] ?? '')) return keys.sort();
  return keys;
};

/** Joined as it goes: every event is spelled when it is written and when it is read, and lists of parts cost twice as much. */
const spell = (value: unknown, number: (value: number) => string): string => {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number') return number(value);
  if (value === null || typeof value === 'boolean') return String(value);
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) text += `${text === '' ? '' : ','}${spell(item ?? null, number)}`;
    return `[${text}]`;
  }
  // What JSON.stringify would ask for another form (a Big, a Date) has no business in an event: its hash would not be that of what is read back.
  if (typeof value !== 'object' || ('toJSON' in value && typeof value.toJSON === 'function')) throw new TypeError(`canonical JSON cannot hold a ${typeof value}`);
  for (const key of sortedKeys(value)) {
    const member = (value as Readonly<Record<string, unknown>>)[key];
    if (member !== undefined) text += `${text === '' ? '' : ','}${quoted(key)}:${spell(member, number)}`;
  }
  return `{${text}}`;
};

const safeInteger = (value: number): string => {
  if (!Number.isSafeInteger(value)) throw new RangeError(`canonical JSON takes safe integers only, not ${value}`);
  return String(value);
};

const finite = (value: number): string => {
  if (!Number.isFinite(value)) throw new RangeError(`JSON has no ${value}`);
  return String(value);
};

/**
 * One spelling for a JSON value: keys sorted by code unit, no white space, `undefined` members left out. Hashes, digests and
 * signatures are over this text. Numbers must be safe integers: everything with a fraction is a decimal string in this product.
 */
export const canonicalJson = (value: unknown): string => spell(value, safeInteger);

/** The same for what others wrote, a venue's raw report for one: any number, in its shortest form (RFC 8785). */
export const canonicalRawJson = (value: unknown): string => spell(value, finite);

export const sha256 = (text: string): Buffer => hash('sha256', text, 'buffer');
export const sha256Hex = (text: string): string => hash('sha256', text, 'hex');

/** Length-prefixed, so that no two lists of parts spell the same text; the domain keeps hashes of different kinds apart. */
export const taggedText = (domain: string, parts: readonly string[]): string =>
  [domain, ...parts].map((part) => `${Buffer.byteLength(part)}:${part}`).join('');

export const hashOf = (domain: string, ...parts: readonly string[]): string => sha256Hex(taggedText(domain, parts));

/** A UUID (RFC 9562 version 8) that depends on nothing but its parts: the id of a fact, the same on every retry. */
export const uuidOf = (domain: string, ...parts: readonly string[]): string => {
  const bytes = sha256(taggedText(domain, parts)).subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
};

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** RFC 4648 base32 in lower case, without padding. */
export const base32 = (bytes: Uint8Array): string => {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + BASE32[(held << (5 - bits)) & 31] : text;
};
