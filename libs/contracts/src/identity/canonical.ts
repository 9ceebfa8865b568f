import { hash } from 'node:crypto';
import { spell, tagged } from './spelling.ts';

const safeInteger = (value: number): string => {
  if (!Number.isSafeInteger(value)) throw new RangeError(`canonical JSON takes safe integers only, not ${value}`);
  return String(value);
};

const finite = (value: number): string => {
  if (!Number.isFinite(value)) throw new RangeError(`JSON has no ${value}`);
  return String(value);
};

/**
 * One spelling for a JSON value, in UTF-8: keys sorted by code unit, no white space, `undefined` members left out. Hashes, digests and
 * signatures are over these bytes. Numbers must be safe integers: everything with a fraction is a decimal string in this product.
 */
export const canonicalJson = (value: unknown): Buffer => spell(value, safeInteger);

/** The same for what others wrote, a venue's raw report for one: any number, in its shortest form (RFC 8785). */
export const canonicalRawJson = (value: unknown): Buffer => spell(value, finite);

export const sha256 = (data: string | Uint8Array): Buffer => hash('sha256', data, 'buffer');
export const sha256Hex = (data: string | Uint8Array): string => hash('sha256', data, 'hex');

/** Of length-prefixed parts, so that no two lists of parts have one hash by being put together; the domain keeps hashes of different kinds apart. */
export const hashOf = (domain: string, ...parts: readonly (string | Uint8Array)[]): string => sha256Hex(tagged([domain, ...parts]));
export const digestOf = (domain: string, ...parts: readonly (string | Uint8Array)[]): Buffer => sha256(tagged([domain, ...parts]));

/** A UUID (RFC 9562 version 8) that depends on nothing but its parts: the id of a fact, the same on every retry. */
export const uuidOf = (domain: string, ...parts: readonly string[]): string => {
  const bytes = digestOf(domain, ...parts).subarray(0, 16);
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
