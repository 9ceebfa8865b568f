import type { JsonValue } from '@tallystick/ports';

/** Messages are small facts and commands; whatever is larger belongs in the store. */
export const MESSAGE_BYTES_MAX = 64 * 1024;
// Our deepest message nests six levels; a parser or validator must never be driven deep by a stranger.
const DEPTH_MAX = 16;

export type ReadJson =
  | { readonly ok: true; readonly value: JsonValue }
  | { readonly ok: false; readonly code: 'MESSAGE_TOO_LARGE' | 'JSON_TOO_DEEP' | 'JSON_INVALID'; readonly detail: string };

/** Looks no deeper than it has to. The engine's parser does not recurse, so what it was given cannot have harmed it. */
const isTooDeep = (value: JsonValue, depth: number): boolean => {
  if (typeof value !== 'object' || value === null) return false;
  if (depth >= DEPTH_MAX) return true;
  for (const member of Object.values(value) as readonly JsonValue[]) if (isTooDeep(member, depth + 1)) return true;
  return false;
};

// Not BOM-stripping and fatal: bytes that are not UTF-8 are refused rather than replaced.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 JSON of at most 64 KiB and 16 levels. Anything else is a value with the code that says why. */
export const readJson = (bytes: Uint8Array): ReadJson => {
  if (bytes.length > MESSAGE_BYTES_MAX) return { ok: false, code: 'MESSAGE_TOO_LARGE', detail: `${bytes.length} bytes, at most ${MESSAGE_BYTES_MAX} are read` };
  try {
    const value = JSON.parse(utf8.decode(bytes)) as JsonValue;
    return isTooDeep(value, 0) ? { ok: false, code: 'JSON_TOO_DEEP', detail: `nested more than ${DEPTH_MAX} levels` } : { ok: true, value };
  } catch (error) {
    // The parser's own message quotes the input, which may hold anything.
    return { ok: false, code: 'JSON_INVALID', detail: error instanceof SyntaxError ? 'not JSON' : 'not UTF-8' };
  }
};

/** JSON bytes of a value. */
export const writeJson = (value: JsonValue): Buffer => Buffer.from(JSON.stringify(value), 'utf8');

const isObject = (value: JsonValue): value is { readonly [key: string]: JsonValue } => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A string member of an object, or `undefined`. */
export const stringMember = (value: JsonValue, member: string): string | undefined => {
  const found = isObject(value) && Object.hasOwn(value, member) ? value[member] : undefined;
  return typeof found === 'string' ? found : undefined;
};
