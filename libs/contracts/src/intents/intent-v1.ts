import { decimal, decimalText as oneSpelling, isDecimalText, type Intent, type OrderRequest } from '@tallystick/domain';
import { z } from 'zod';
import { intentKeyOf } from '../identity/ids.ts';
import { isPlainText, printable } from './plain-text.ts';
import { ID_TEXT, isUsableName } from '../streams/streams.ts';
import { hasRepeatedMember } from './repeated-member.ts';

/** A basket larger than this is several intents: one decision's event must stay far below the store's 1 MiB append. */
export const ORDERS_PER_INTENT_MAX = 50;
/** NATS and HTTP refuse larger bodies before they are parsed. */
export const INTENT_BYTES_MAX = 64 * 1024;
/** Deeper JSON than any valid intent needs. */
export const JSON_DEPTH_MAX = 16;

const id = z.string().regex(ID_TEXT, 'letters, digits, _ and -, at most 64, starting with a letter or digit').refine(isUsableName, 'a name that JavaScript objects have of themselves');
/** Hashed into the key and shown to people: no white space but the blank, nothing that looks like something else. */
const keyText = (max: number) => z.string().max(max).regex(/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/, 'printable ASCII, no blank at either end');
const symbol = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,31}$/, 'at most 32 of letters, digits and . _ / -');
/** What `isDecimalText` takes, for the generated documents: a check in code has no form there. */
export const DECIMAL_PATTERN = '^-?(0|[1-9]\\d{0,17})(\\.\\d{1,12})?$';
const decimalText = z.string().meta({ pattern: DECIMAL_PATTERN }).refine(isDecimalText, 'a plain decimal string, at most 18 digits before and 12 after the point');
const isPositive = (text: string): boolean => /[1-9]/.test(text) && !text.startsWith('-');
const positive = decimalText.refine(isPositive, 'greater than zero');
const amount = decimalText.refine((text) => !text.startsWith('-'), 'zero or more');

export const OrderRequestV1 = z
  .strictObject({
    symbol,
    side: z.enum(['buy', 'sell']),
    qty: positive,
    order_type: z.enum(['market', 'limit', 'stop', 'stop_limit']),
    time_in_force: z.enum(['DAY', 'GTC', 'IOC', 'FOK']).default('DAY'),
    limit_price: positive.optional(),
    stop_price: positive.optional(),
  })
  .superRefine((order, context) => {
    const needsLimit = order.order_type === 'limit' || order.order_type === 'stop_limit';
    const needsStop = order.order_type === 'stop' || order.order_type === 'stop_limit';
    const complain = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (needsLimit && order.limit_price === undefined) complain('limit_price', `a ${order.order_type} order needs a limit_price`);
    if (!needsLimit && order.limit_price !== undefined) complain('limit_price', `a ${order.order_type} order takes no limit_price`);
    if (needsStop && order.stop_price === undefined) complain('stop_price', `a ${order.order_type} order needs a stop_price`);
    if (!needsStop && order.stop_price !== undefined) complain('stop_price', `a ${order.order_type} order takes no stop_price`);
  })
  .meta({ id: 'OrderRequestV1' });

export const KeyV1 = z
  .discriminatedUnion('policy', [
    z.strictObject({ policy: z.literal('signal'), signal_id: id, window: keyText(64) }),
    z.strictObject({ policy: z.literal('rebalance'), rebalance_id: id }),
    z.strictObject({ policy: z.literal('explicit'), key: keyText(128) }),
  ])
  .meta({ id: 'KeyV1', description: 'How the intent key is derived. The same key is the same intent, for ever.' });

/** What a strategy or an agent publishes. Unknown members are refused: a mistyped constraint must not be silently dropped. */
export const IntentV1 = z
  .strictObject({
    version: z.literal(1),
    key: KeyV1,
    strategy: z.strictObject({ id, version: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,31}$/) }),
    account: id,
    mode: z.enum(['paper', 'live']).default('paper'),
    portfolio: id.optional(),
    orders: z.array(OrderRequestV1).min(1).max(ORDERS_PER_INTENT_MAX),
    constraints: z.strictObject({ max_slippage_bps: amount.optional(), max_exposure_pct: amount.optional() }).default({}),
    remainder: z
      .discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('wait') }),
        // One business day is the longest an order of ours waits by time; DAY orders end before.
        z.strictObject({ kind: z.literal('cancel_after'), after_ms: z.int().min(1).max(86_400_000) }),
      ])
      .default({ kind: 'wait' }),
    reason: z.string().max(2000).refine(isPlainText, 'text without control characters, direction overrides and half surrogates').default(''),
    market_sequence: z.int().min(0).default(0),
  })
  .meta({ id: 'IntentV1' });
export type IntentV1 = z.infer<typeof IntentV1>;
export type IntentV1Input = z.input<typeof IntentV1>;

export const intentKeyOfV1 = (wire: IntentV1): string => {
  const strategy = wire.strategy.id;
  switch (wire.key.policy) {
    case 'signal':
      return intentKeyOf({ policy: 'signal', account: wire.account, mode: wire.mode, strategy, signal_id: wire.key.signal_id, window: wire.key.window });
    case 'rebalance':
      return intentKeyOf({ policy: 'rebalance', strategy, rebalance_id: wire.key.rebalance_id, orders: wire.orders });
    case 'explicit':
      return intentKeyOf({ policy: 'explicit', strategy, key: wire.key.key });
  }
};

const spelled = <T extends object>(value: T, members: readonly (keyof T)[]): T => {
  const result = { ...value };
  for (const member of members) {
    const text = value[member];
    if (typeof text === 'string') result[member] = oneSpelling(decimal(text)) as T[keyof T];
  }
  return result;
};

/** The wire form as the domain knows it. Decimals get their one spelling: `10` and `10.0` are the same intent, the value is never changed. */
export const toIntent = (wire: IntentV1): Intent => {
  const { version: _version, key, ...rest } = wire;
  return {
    ...rest,
    orders: wire.orders.map((order): OrderRequest => spelled(order, ['qty', 'limit_price', 'stop_price'])),
    constraints: spelled(wire.constraints, ['max_slippage_bps', 'max_exposure_pct']),
    intent_key: intentKeyOfV1(wire),
    key_policy: key.policy,
  };
};

export type ParsedIntent =
  | { readonly ok: true; readonly intent: Intent }
  | { readonly ok: false; readonly code: 'INTENT_TOO_LARGE' | 'INTENT_NOT_JSON' | 'INTENT_TOO_DEEP' | 'INTENT_INVALID'; readonly detail: string; readonly issues: readonly { readonly field: string; readonly detail: string }[] };

const depthOver = (text: string, max: number): boolean => {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i];
    if (inString) {
      if (char === '\\') i += 1;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '[' || char === '{') {
      depth += 1;
      if (depth > max) return true;
    } else if (char === ']' || char === '}') depth -= 1;
  }
  return false;
};

const refusedParse = (code: Extract<ParsedIntent, { ok: false }>['code'], detail: string): ParsedIntent => ({ ok: false, code, detail, issues: [] });

/** Ten are enough to mend an intent by, and bound the answer. */
const ISSUES_MAX = 10;

// Fatal: bytes replaced by a question mark would be another intent than was sent. A byte order mark stays, and is no JSON.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const textOf = (body: Uint8Array | string): string | undefined => {
  if (typeof body === 'string') return body;
  try {
    return utf8.decode(body);
  } catch {
    // Not UTF-8, and the decoder says no more than that.
    return undefined;
  }
};

/** Bytes to intent. Size and depth are judged before parsing, so that a hostile body costs no more than a look. */
export const parseIntent = (body: Uint8Array | string): ParsedIntent => {
  const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
  if (bytes > INTENT_BYTES_MAX) return refusedParse('INTENT_TOO_LARGE', `the intent is ${bytes} bytes; at most ${INTENT_BYTES_MAX} are taken: split the basket`);
  const text = textOf(body);
  if (text === undefined) return refusedParse('INTENT_NOT_JSON', 'the body is not UTF-8');
  if (depthOver(text, JSON_DEPTH_MAX)) return refusedParse('INTENT_TOO_DEEP', `the JSON is nested deeper than ${JSON_DEPTH_MAX}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refusedParse('INTENT_NOT_JSON', 'the body is not JSON (NaN and Infinity are not JSON either)');
  }
  if (hasRepeatedMember(text)) return refusedParse('INTENT_NOT_JSON', 'an object has two members of one name');
  return parseIntentValue(value);
};

/** JSON already read, within the limits of size and depth, to intent. */
export const parseIntentValue = (value: unknown): ParsedIntent => {
  const parsed = IntentV1.safeParse(value);
  if (!parsed.success) {
    const issues = parsed.error.issues.slice(0, ISSUES_MAX).map((issue) => ({ field: printable(issue.path.map(String).join('.').slice(0, 128)), detail: printable(issue.message.slice(0, 256)) }));
    return { ok: false, code: 'INTENT_INVALID', detail: issues.map((issue) => `${issue.field || 'intent'}: ${issue.detail}`).join('; '), issues };
  }
  return { ok: true, intent: toIntent(parsed.data) };
};
