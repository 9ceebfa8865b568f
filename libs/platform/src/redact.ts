/** Makes anything fit for a log line: no secrets, bounded, JSON. What it cannot show it names. */

const REDACTED = '[redacted]';
// Words of a key's name that make its value a secret: `apiToken`, `api_token` and `API-TOKEN` have the same words.
const SECRET_WORDS = new Set([
  'token', 'tokens', 'secret', 'secrets', 'authorization', 'auth', 'password', 'passwd', 'passphrase', 'pwd', 'credential', 'credentials', 'cookie', 'cookies',
  'seed', 'nkey', 'jwt', 'bearer', 'apikey',
]);
// `key` alone is one; `intent_key` and `key_id` are not, unless a word before says what it opens.
const SECRET_KEY = /^key$|(api|private|signing|access|encryption)_?key$/;
// Facts about secrets that hold none.
const HARMLESS = /_(hash|digest|count|id|ms|max|valid|kind)$/;

const SECRET_VALUES: readonly (readonly [RegExp, string])[] = [
  [/\bbearer\s+[A-Za-z0-9._~+/=-]{8,}/gi, REDACTED],
  [/\bbasic\s+[A-Za-z0-9+/]{16,}={0,2}/gi, REDACTED],
  [/-----BEGIN [A-Z ]+-----[\s\S]*?(?:-----END [A-Z ]+-----|$)/g, REDACTED],
  // nkey seeds: S, the kind, then base32.
  [/\bS[ACNOUX][A-Z2-7]{54,58}\b/g, REDACTED],
  // JSON web tokens.
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, REDACTED],
  // Credentials inside an address.
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@:]+:[^\s/@]+@/gi, `$1${REDACTED}@`],
  // `password=...` and its like inside a sentence.
  [/\b(password|passwd|secret|token|api[_-]?key|authorization)(["']?\s*[=:]\s*["']?)[^\s"',;&[]{3,}/gi, `$1$2${REDACTED}`],
];

// A line is for reading; whatever is longer belongs in the store.
const TEXT_CHARS_MAX = 2_000;
const DEPTH_MAX = 6;
const MEMBERS_MAX = 50;
const STACK_LINES_MAX = 12;

export const isSecretKey = (key: string): boolean => {
  const name = key.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').replaceAll(/[^A-Za-z0-9]+/g, '_').toLowerCase();
  if (HARMLESS.test(name)) return false;
  return SECRET_KEY.test(name) || name.split('_').some((word) => SECRET_WORDS.has(word));
};

/** Text with secrets of known shapes replaced, cut to 2,000 characters. */
export const redactText = (text: string): string => {
  // Cut first, with room for a pattern that starts near the end: no pattern ever sees more than this.
  let shown = text.length > 2 * TEXT_CHARS_MAX ? text.slice(0, 2 * TEXT_CHARS_MAX) : text;
  for (const [pattern, replacement] of SECRET_VALUES) shown = shown.replaceAll(pattern, replacement);
  return shown.length > TEXT_CHARS_MAX ? `${shown.slice(0, TEXT_CHARS_MAX)}…` : shown;
};

const redactError = (error: Error, depth: number, seen: ReadonlySet<object>): Record<string, unknown> => ({
  name: error.name,
  message: redactText(error.message),
  ...('code' in error && (typeof error.code === 'string' || typeof error.code === 'number') ? { code: error.code } : {}),
  ...(error.stack === undefined ? {} : { stack: redactText(error.stack.split('\n').slice(0, STACK_LINES_MAX).join('\n')) }),
  ...(error.cause === undefined ? {} : { cause: redactValue(error.cause, depth + 1, seen) }),
});

// A simulation's seed is a number that people need to see; nothing and yes-or-no give nothing away.
const hidesSomething = (value: unknown): boolean => typeof value === 'string' || (typeof value === 'object' && value !== null);

const redactObject = (value: object, depth: number, seen: ReadonlySet<object>): unknown => {
  if (seen.has(value)) return '[circular]';
  if (depth >= DEPTH_MAX) return '[deep]';
  const within = new Set([...seen, value]);
  if (value instanceof Error) return redactError(value, depth, within);
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  if ('toJSON' in value && typeof value.toJSON === 'function') return redactValue((value.toJSON as () => unknown)(), depth + 1, within);
  if (Array.isArray(value)) {
    const shown = value.slice(0, MEMBERS_MAX).map((item: unknown) => redactValue(item, depth + 1, within));
    return value.length > MEMBERS_MAX ? [...shown, `[${value.length - MEMBERS_MAX} more]`] : shown;
  }
  const entries = value instanceof Map ? [...value.entries()].map(([key, item]): [string, unknown] => [String(key), item]) : Object.entries(value);
  return Object.fromEntries(
    entries.slice(0, MEMBERS_MAX).map(([key, item]) => [key, isSecretKey(key) && hidesSomething(item) ? REDACTED : redactValue(item, depth + 1, within)]),
  );
};

const redactValue = (value: unknown, depth: number, seen: ReadonlySet<object>): unknown => {
  switch (typeof value) {
    case 'string':
      return redactText(value);
    case 'bigint':
      return value.toString();
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'boolean':
    case 'undefined':
      return value;
    case 'symbol':
    case 'function':
      return `[${typeof value}]`;
    case 'object':
      return value === null ? null : redactObject(value, depth, seen);
  }
};

/** The fields of a log line, safe to print. Never throws for plain data; a getter or `toJSON` that throws is the caller's fault. */
export const redactFields = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> => redactObject(fields, 0, new Set()) as Record<string, unknown>;
