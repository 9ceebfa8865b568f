import type { JsonValue } from '@tallystick/ports';

/** Messages are small facts and commands; whatever is larger belongs in the store. */
export const MESSAGE_BYTES_MAX = 64 * 1024;
// Our deepest message nests six levels; a parser or validator must never be driven deep by a stranger.
const DEPTH_MAX = 16;

export type ReadJson =
  | { readonly ok: true; readonly value: JsonValue }
  | { readonly ok: false; readonly code: 'MESSAGE_TOO_LARGE' | 'JSON_TOO_DEEP' | 'JSON_INVALID'; readonly detail: string };

const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Looks at structure only, outside of strings, and stops at the first byte too deep. */
const isTooDeep = (bytes: Uint8Array): boolean => {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (inString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === BRACE_OPEN || byte === BRACKET_OPEN) {
      depth += 1;
      if (depth > DEPTH_MAX) return true;
    } else if (byte === BRACE_CLOSE || byte === BRACKET_CLOSE) depth -= 1;
  }
  return false;
};

// Not BOM-stripping and fatal: bytes that are not UTF-8 are refused rather than replaced.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 JSON of at most 64 KiB and 16 levels. Anything else is a value with the code that says why. */
export const readJson = (bytes: Uint8Array): ReadJson => {
  if (bytes.length > MESSAGE_BYTES_MAX) return { ok: false, code: 'MESSAGE_TOO_LARGE', detail: `${bytes.length} bytes, at most ${MESSAGE_BYTES_MAX} are read` };
  if (isTooDeep(bytes)) return { ok: false, code: 'JSON_TOO_DEEP', detail: `nested more than ${DEPTH_MAX} levels` };
  try {
    return { ok: true, value: JSON.parse(utf8.decode(bytes)) as JsonValue };
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
