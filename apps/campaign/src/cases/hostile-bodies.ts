import type { Random } from '../random.ts';

export interface HostileBody {
  readonly name: string;
  readonly bytes: Buffer;
  /** The code it must be refused with, whichever way it came. */
  readonly code: string;
  /** By HTTP, where the door compares the key with its header before anyone looks at the rest. */
  readonly httpCode?: string;
  /** The key it names, where one can be read. */
  readonly key: string;
}

type Json = Record<string, unknown>;

const order = (more: Json = {}): Json => ({ symbol: 'SPY', side: 'buy', qty: '10', order_type: 'market', time_in_force: 'DAY', ...more });

/** An intent that would be accepted: every hostile one is this with one thing wrong. */
export const goodIntent = (key: string, more: Json = {}): Json => ({
  version: 1, key: { policy: 'explicit', key }, strategy: { id: 'manual', version: '1' }, account: 'paper-1', orders: [order()], reason: 'campaign', ...more,
});

/** One more than is taken, in bytes. */
const TOO_LARGE = 64 * 1024 + 1;
const TOO_DEEP = 17;
const ORDERS_TOO_MANY = 51;

const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;

const invalidValues = (): readonly (readonly [string, Json])[] => [
  ...['-1', '0', '-0', '0.0', '1e3', '1E3', '+1', ' 1', '1 ', '\u0661', '0x10', '1.', '.5', '01', '1_000', '1,000', '', 'NaN', 'Infinity', '-Infinity', '9'.repeat(400), `0.${'1'.repeat(400)}`, '1'.repeat(19)]
    .map((qty): readonly [string, Json] => [`quantity ${JSON.stringify(qty.slice(0, 24))}`, { orders: [order({ qty })] }]),
  ['quantity as a number', { orders: [order({ qty: 10 })] }], ['quantity null', { orders: [order({ qty: null })] }], ['quantity as an object', { orders: [order({ qty: { $gt: '' } })] }],
  ['51 orders', { orders: Array.from({ length: ORDERS_TOO_MANY }, () => order()) }], ['no orders', { orders: [] }], ['orders as an object', { orders: { length: 1, 0: order() } }], ['a null order', { orders: [null] }],
  ['an unknown member', { max_slippage: '5' }], ['an unknown member of an order', { orders: [order({ quantity: '10' })] }], ['an unknown constraint', { constraints: { max_slipage_bps: '5' } }],
  ['version as text', { version: '1' }], ['version 2', { version: 2 }], ['version true', { version: true }],
  ['side in capitals', { orders: [order({ side: 'BUY' })] }], ['an unknown order type', { orders: [order({ order_type: 'iceberg' })] }], ['an unknown time in force', { orders: [order({ time_in_force: 'GTD' })] }],
  ['a limit order without a price', { orders: [order({ order_type: 'limit' })] }], ['a market order with a price', { orders: [order({ limit_price: '1' })] }], ['a stop order without a stop', { orders: [order({ order_type: 'stop' })] }],
  ['a negative price', { orders: [order({ order_type: 'limit', limit_price: '-145' })] }], ['a price of zero', { orders: [order({ order_type: 'limit', limit_price: '0' })] }],
  ['NUL in the reason', { reason: 'a\u0000b' }], ['escape sequences in the reason', { reason: '\u001b[2J' }], ['a line break in the reason', { reason: 'a\r\nINFO forged' }],
  ['a direction override in the reason', { reason: 'pay \u202Eevil' }], ['half a surrogate in the reason', { reason: '\ud800' }], ['a reason of 2001 characters', { reason: 'x'.repeat(2_001) }],
  ['a control character in the symbol', { orders: [order({ symbol: 'SPY\u0007' })] }], ['a path as account', { account: '../../etc/passwd' }], ['a wildcard as account', { account: '*' }], ['a subject as account', { account: 'a.>' }],
  ['__proto__ as account', { account: '__proto__' }], ['constructor as account', { account: 'constructor' }], ['toString as portfolio', { portfolio: 'toString' }],
  ['a market sequence below zero', { market_sequence: -1 }], ['a market sequence with a part', { market_sequence: 1.5 }], ['a market sequence beyond whole numbers', { market_sequence: 1e300 }],
  ['an unknown remainder', { remainder: { kind: 'never' } }], ['a remainder of zero', { remainder: { kind: 'cancel_after', after_ms: 0 } }], ['an unknown mode', { mode: 'LIVE' }],
];

const keys = (): readonly (readonly [string, unknown])[] => [
  ['a key with a control character', { policy: 'explicit', key: 'a\u0000b' }], ['a key with blanks around', { policy: 'explicit', key: ' a ' }], ['a key of 129 characters', { policy: 'explicit', key: 'k'.repeat(129) }],
  ['an empty key', { policy: 'explicit', key: '' }], ['an unknown key policy', { policy: 'random', key: 'a' }], ['a key policy __proto__', { policy: '__proto__', key: 'a' }], ['a key as text', 'a'], ['no key', undefined],
];

/** Texts that JSON.stringify would not write. */
const rawTexts = (good: string): readonly (readonly [string, string, string])[] => {
  const withQty = (qty: string): string => good.replace('"qty":"10"', `"qty":${qty}`);
  return [
    ['nothing', '', 'INTENT_NOT_JSON'], ['a word', 'buy', 'INTENT_NOT_JSON'], ['half an intent', good.slice(0, good.length / 2), 'INTENT_NOT_JSON'], ['two intents', `${good}${good}`, 'INTENT_NOT_JSON'],
    ['a trailing comma', good.replace(/}$/, ',}'), 'INTENT_NOT_JSON'], ['a comment', `/* */${good}`, 'INTENT_NOT_JSON'], ['single quotes', good.replaceAll('"', '\''), 'INTENT_NOT_JSON'],
    ['NaN', withQty('NaN'), 'INTENT_NOT_JSON'], ['Infinity', withQty('Infinity'), 'INTENT_NOT_JSON'], ['-Infinity', withQty('-Infinity'), 'INTENT_NOT_JSON'], ['undefined', withQty('undefined'), 'INTENT_NOT_JSON'],
    ['a raw control character', good.replace('campaign', 'a\u0001b'), 'INTENT_NOT_JSON'], ['a byte order mark', `\ufeff${good}`, 'INTENT_NOT_JSON'], ['an XML document', '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', 'INTENT_NOT_JSON'],
    ['null', 'null', 'INTENT_INVALID'], ['a list', '[]', 'INTENT_INVALID'], ['a text', '"intent"', 'INTENT_INVALID'], ['a number', '1', 'INTENT_INVALID'], ['true', 'true', 'INTENT_INVALID'], ['an empty object', '{}', 'INTENT_INVALID'],
    ['a number beyond all', withQty('1e400'), 'INTENT_INVALID'], ['minus zero', withQty('-0'), 'INTENT_INVALID'], ['a number of 5000 digits', withQty('9'.repeat(5_000)), 'INTENT_INVALID'],
    ['__proto__ as a member', good.replace('{"version"', '{"__proto__":{"polluted":true},"version"'), 'INTENT_INVALID'],
    ['__proto__ in an order', good.replace('{"symbol"', '{"__proto__":{"qty":"1000000"},"symbol"'), 'INTENT_INVALID'],
    ['constructor.prototype as members', good.replace('{"version"', '{"constructor":{"prototype":{"polluted":true}},"version"'), 'INTENT_INVALID'],
    ['17 levels', good.replace('"campaign"', nested(TOO_DEEP - 1)), 'INTENT_TOO_DEEP'], ['10,000 levels', nested(10_000), 'INTENT_TOO_DEEP'], ['30,000 levels that never end', '['.repeat(30_000), 'INTENT_TOO_DEEP'],
    ['64 KiB and one byte', `${good}${' '.repeat(TOO_LARGE - Buffer.byteLength(good))}`, 'INTENT_TOO_LARGE'], ['70 KB of reason', good.replace('campaign', 'x'.repeat(70_000)), 'INTENT_TOO_LARGE'],
  ];
};

const rawBytes = (good: string): readonly (readonly [string, Buffer])[] => {
  const [before = '', after = ''] = good.split('campaign');
  const around = (...bytes: number[]): Buffer => Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);
  return [
    ['bytes that are no UTF-8', around(0xff, 0xfe)], ['an overlong slash', around(0xc0, 0xaf)], ['a surrogate in UTF-8', around(0xed, 0xa0, 0x80)], ['a character cut off', around(0xe2, 0x82)],
    ['UTF-16', Buffer.from(good, 'utf16le')],
  ];
};

/** All of them, each under a key of its own so that none is a repeat. `prefix` keeps those of two channels apart. */
export const hostileBodies = (prefix: string): readonly HostileBody[] => {
  let drawn = 0;
  const nextKey = (): string => `${prefix}-${(drawn += 1)}`;
  const json = (name: string, of: (key: string) => unknown, code: string): HostileBody => {
    const key = nextKey();
    return { name, key, code, bytes: Buffer.from(JSON.stringify(of(key))) };
  };
  const textual = (rawTexts('')).map(([name], index): HostileBody => {
    const key = nextKey();
    const [, body = '', code = ''] = rawTexts(JSON.stringify(goodIntent(key)))[index] ?? [];
    return { name, key, code, bytes: Buffer.from(body) };
  });
  const binary = rawBytes('campaign').map(([name], index): HostileBody => {
    const key = nextKey();
    return { name, key, code: 'INTENT_NOT_JSON', bytes: rawBytes(JSON.stringify(goodIntent(key)))[index]?.[1] ?? Buffer.alloc(0) };
  });
  return [
    ...invalidValues().map(([name, more]) => json(name, (key) => goodIntent(key, more), 'INTENT_INVALID')),
    ...keys().map(([name, of]) => {
      const body = json(name, (key) => ({ ...goodIntent(key), key: of }), 'INTENT_INVALID');
      return typeof of === 'object' && of !== null && 'policy' in of && of.policy === 'explicit' ? { ...body, httpCode: 'IDEMPOTENCY_KEY_MISMATCH' } : body;
    }),
    ...textual, ...binary,
  ];
};

/** Twice the same member: which one counts would depend on who reads it. */
export const duplicateMembers = (prefix: string): readonly HostileBody[] => {
  const good = (key: string): string => JSON.stringify(goodIntent(key));
  const made = (n: number, name: string, change: (body: string) => string): HostileBody => ({ name, key: `${prefix}-dup-${n}`, code: 'INTENT_NOT_JSON', bytes: Buffer.from(change(good(`${prefix}-dup-${n}`))) });
  return [
    made(1, 'the quantity twice', (body) => body.replace('"qty":"10"', '"qty":"10","qty":"4000"')), made(2, 'the account twice', (body) => body.replace('"account":"paper-1"', '"account":"paper-1","account":"paper-2"')),
    made(3, 'the quantity twice, once in escapes', (body) => body.replace('"qty":"10"', '"qty":"10","q\\u0074y":"4000"')),
  ];
};

/** A good intent with a few bytes changed, put in or taken out: mostly no intent any more, at times still one. */
export const mutated = (random: Random, key: string): Buffer => {
  const bytes = [...Buffer.from(JSON.stringify(goodIntent(key)))];
  for (let changes = random.whole(1, 4); changes > 0; changes -= 1) {
    const where = random.whole(0, bytes.length - 1);
    const draw = random.next();
    if (draw < 0.5) bytes[where] = random.whole(0, 255);
    else if (draw < 0.75) bytes.splice(where, 0, random.whole(0, 255));
    else bytes.splice(where, random.whole(1, 8));
  }
  return Buffer.from(bytes);
};
