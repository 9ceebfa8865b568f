import { describe, expect, it } from '@jest/globals';
import { INTENT_BYTES_MAX, IntentV1, intentKeyOfV1, JSON_DEPTH_MAX, ORDERS_PER_INTENT_MAX, parseIntent, type ParsedIntent } from './intent-v1.ts';

const order = { symbol: 'SPY', side: 'buy', qty: '10', order_type: 'limit', limit_price: '165.5' };
const body = { version: 1, key: { policy: 'explicit', key: 'k-1' }, strategy: { id: 'basket', version: '1.0.0' }, account: 'paper-1', orders: [order] };

const parsed = (value: unknown): ParsedIntent => parseIntent(typeof value === 'string' ? value : JSON.stringify(value));
const codeOf = (result: ParsedIntent): string => (result.ok ? 'ok' : result.code);
const fieldsOf = (result: ParsedIntent): readonly string[] => (result.ok ? [] : result.issues.map(({ field }) => field));
const withOrder = (change: object) => ({ ...body, orders: [{ ...order, ...change }] });

describe('an intent', () => {
  it('gets its key, its defaults and one spelling of its decimals', () => {
    const result = parsed({ ...body, orders: [{ ...order, qty: '10.00', limit_price: '165.50' }], constraints: { max_slippage_bps: '5.0' } });
    expect(result).toEqual({ ok: true, intent: {
      intent_key: intentKeyOfV1(IntentV1.parse(body)), key_policy: 'explicit', strategy: { id: 'basket', version: '1.0.0' }, account: 'paper-1', mode: 'paper',
      orders: [{ symbol: 'SPY', side: 'buy', qty: '10', order_type: 'limit', limit_price: '165.5', time_in_force: 'DAY' }],
      constraints: { max_slippage_bps: '5' }, remainder: { kind: 'wait' }, reason: '', market_sequence: 0,
    } });
  });

  it('is paper unless it says live', () => {
    expect(parsed({ ...body, mode: 'live' })).toMatchObject({ ok: true, intent: { mode: 'live' } });
    expect(codeOf(parsed({ ...body, mode: 'LIVE' }))).toBe('INTENT_INVALID');
  });

  it.each([
    ['market', {}], ['limit', { limit_price: '1' }], ['stop', { stop_price: '1' }], ['stop_limit', { limit_price: '1', stop_price: '1' }],
  ] as const)('takes a %s order with the prices it needs and no other', (order_type, prices) => {
    const { limit_price: _price, ...bare } = order;
    const given = (more: object) => fieldsOf(parsed({ ...body, orders: [{ ...bare, order_type, ...more }] }));
    expect(given(prices)).toEqual([]);
    for (const price of ['limit_price', 'stop_price'] as const) {
      const { [price]: needed, ...others } = { limit_price: undefined, stop_price: undefined, ...prices };
      expect(given(needed === undefined ? { ...others, [price]: '1' } : others)).toEqual([`orders.0.${price}`]);
    }
  });

  it.each(['DAY', 'GTC', 'IOC', 'FOK'])('takes %s', (time_in_force) => {
    expect(codeOf(parsed(withOrder({ time_in_force })))).toBe('ok');
  });

  it('takes bytes as it takes text', () => {
    expect(parseIntent(Buffer.from(JSON.stringify(body)))).toEqual(parsed(body));
  });

  it('takes a reason in any language, with lines', () => {
    expect(codeOf(parsed({ ...body, reason: 'Größer als 5 %\n\tметод — 再平衡 🧾' }))).toBe('ok');
  });
});

describe('size and depth', () => {
  const padded = (bytes: number): string => {
    const text = JSON.stringify(body);
    return `${text.slice(0, -1)}${' '.repeat(bytes - Buffer.byteLength(text))}}`;
  };

  it('are taken up to the limit and not a byte or a level further', () => {
    expect(codeOf(parsed(padded(INTENT_BYTES_MAX)))).toBe('ok');
    expect(codeOf(parsed(padded(INTENT_BYTES_MAX + 1)))).toBe('INTENT_TOO_LARGE');
    const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    expect(codeOf(parsed(nested(JSON_DEPTH_MAX)))).toBe('INTENT_INVALID');
    expect(codeOf(parsed(nested(JSON_DEPTH_MAX + 1)))).toBe('INTENT_TOO_DEEP');
  });

  it('count bytes, not characters', () => {
    const text = JSON.stringify({ ...body, reason: 'ü'.repeat(INTENT_BYTES_MAX / 2) });
    expect(text.length).toBeLessThan(INTENT_BYTES_MAX);
    expect(codeOf(parsed(text))).toBe('INTENT_TOO_LARGE');
  });

  it('are judged before anything is parsed', () => {
    expect(codeOf(parsed('['.repeat(60_000)))).toBe('INTENT_TOO_DEEP');
    expect(codeOf(parsed('x'.repeat(1_000_000)))).toBe('INTENT_TOO_LARGE');
  });

  it('do not take brackets in text for depth', () => {
    expect(codeOf(parsed({ ...body, reason: '[[[{{{'.repeat(100) }))).toBe('ok');
    expect(codeOf(parsed({ ...body, reason: '\\"[[[["'.repeat(50) }))).toBe('ok');
  });

  it('bound a basket', () => {
    expect(codeOf(parsed({ ...body, orders: Array(ORDERS_PER_INTENT_MAX).fill(order) }))).toBe('ok');
    expect(fieldsOf(parsed({ ...body, orders: Array(ORDERS_PER_INTENT_MAX + 1).fill(order) }))).toEqual(['orders']);
  });

  it('bound the answer: at most ten issues, each short', () => {
    const hostile = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`member-${i}-${'x'.repeat(20)}`, 1]));
    const result = parsed({ ...hostile, orders: Array(50).fill({}) });
    expect(result.ok ? 0 : result.issues.length).toBe(10);
    expect(result.ok ? 0 : result.detail.length).toBeLessThan(5000);
  });
});

describe('a body that is no JSON', () => {
  it.each(['', ' ', 'NaN', '{"version": NaN}', '{"qty": Infinity}', '{"qty": -Infinity}', "{'a': 1}", '{"a": 1,}', '{"a": 01}', '{"a": +1}', '{"a": .5}', '{', '{"a": "\u0000"}', '\ufeff{}', 'undefined', '{"a": 1} {"b": 2}'])('is refused: %j', (text) => {
    expect(codeOf(parsed(text))).toBe('INTENT_NOT_JSON');
  });

  it('is refused when it is no UTF-8 either', () => {
    expect(codeOf(parseIntent(Uint8Array.from([0xff, 0xfe, 0x00])))).toBe('INTENT_NOT_JSON');
  });

  it.each([[0xff, 0xfe], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82]])('is refused for bytes within a text that are no UTF-8: %p %p', (...bytes) => {
    const [before = '', after = ''] = JSON.stringify({ ...body, reason: 'here' }).split('here');
    expect(codeOf(parseIntent(Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)])))).toBe('INTENT_NOT_JSON');
    expect(codeOf(parseIntent(Buffer.from(`${before}\u00e4\u20ac${after}`)))).toBe('ok');
  });

  it.each([
    ['"qty":"10"', '"qty":"10","qty":"4000"'], ['"qty":"10"', '"qty":"10", "q\\u0074y" : "10"'], ['"account":"paper-1"', '"account":"paper-1","account":"paper-2"'], ['"version":1', '"version":1,"version":1'],
  ])('is refused when a member has a namesake: %s', (once, twice) => {
    expect(codeOf(parseIntent(JSON.stringify(body).replace(once, twice)))).toBe('INTENT_NOT_JSON');
  });
});

describe('a body of another shape', () => {
  it.each<[string, unknown, readonly string[]]>([
    ['null', null, ['']],
    ['a list', [], ['']],
    ['a text', '"intent"', ['']],
    ['nothing in it', {}, ['version', 'key', 'strategy', 'account', 'orders']],
    ['a version of the future', { ...body, version: 2 }, ['version']],
    ['a version as text', { ...body, version: '1' }, ['version']],
    ['a mistyped constraint', { ...body, constraints: { max_slippage_bsp: '5' } }, ['constraints']],
    ['a member that nobody knows', { ...body, approve: true }, ['']],
    ['an order with a member that nobody knows', withOrder({ leverage: '10' }), ['orders.0']],
    ['no orders', { ...body, orders: [] }, ['orders']],
    ['orders that are an object', { ...body, orders: { 0: order, length: 1 } }, ['orders']],
    ['a quantity as a number', withOrder({ qty: 10 }), ['orders.0.qty']],
    ['a quantity as a list', withOrder({ qty: ['10'] }), ['orders.0.qty']],
    ['a side in capitals', withOrder({ side: 'BUY' }), ['orders.0.side']],
    ['a time in force that nobody knows', withOrder({ time_in_force: 'GTD' }), ['orders.0.time_in_force']],
    ['a remainder without its time', { ...body, remainder: { kind: 'cancel_after' } }, ['remainder.after_ms']],
    ['a remainder that is never over', { ...body, remainder: { kind: 'cancel_after', after_ms: 1e12 } }, ['remainder.after_ms']],
    ['a step that is no number', { ...body, market_sequence: '4' }, ['market_sequence']],
    ['a step with a fraction', { ...body, market_sequence: 4.5 }, ['market_sequence']],
    ['a step beyond what numbers count', { ...body, market_sequence: 2 ** 53 }, ['market_sequence']],
    ['a key policy that nobody knows', { ...body, key: { policy: 'random' } }, ['key.policy']],
    ['a reason that is a book', { ...body, reason: 'x'.repeat(2001) }, ['reason']],
  ])('is refused: %s', (_what, value, fields) => {
    const result = parsed(value);
    expect(codeOf(result)).toBe('INTENT_INVALID');
    expect(fieldsOf(result)).toEqual(fields);
  });
});

describe('a quantity or price', () => {
  it.each(['1', '0.1', '0.000000000001', '999999999999999999', '999999999999999999.999999999999', '100.50'])('may be %s', (qty) => {
    expect(codeOf(parsed(withOrder({ qty })))).toBe('ok');
  });

  it.each([
    '0', '0.0', '-0', '-1', '', ' 1', '1 ', '1\n', '+1', '1.', '.5', '01', '1e3', '1E3', '0x10', 'NaN', 'Infinity', '-Infinity', '1,000', '1_000', '１０', '١', '1\u0000', '¹',
    '9'.repeat(19), '9'.repeat(60_000), `0.${'0'.repeat(12)}1`, `1.${'1'.repeat(40_000)}`, 'null', '[object Object]', '1/2', '0b1', '1n', '−1',
  ])('is refused: %j', (qty) => {
    expect(fieldsOf(parsed(withOrder({ qty })))).toContain('orders.0.qty');
    expect(fieldsOf(parsed(withOrder({ limit_price: qty })))).toContain('orders.0.limit_price');
  });

  it('of a constraint may be zero, not less', () => {
    expect(codeOf(parsed({ ...body, constraints: { max_slippage_bps: '0', max_exposure_pct: '0.0' } }))).toBe('ok');
    expect(fieldsOf(parsed({ ...body, constraints: { max_slippage_bps: '-1' } }))).toEqual(['constraints.max_slippage_bps']);
  });
});

describe('a name', () => {
  const hostile = [
    '', ' a', 'a ', 'a b', 'a\n', '\r\na', 'a\u0000', 'a\u001b[2J', '../a', 'a/b', 'a.b', 'a*', 'a>', '>', '*', '$SYS', 'a\u202e', 'а', 'ａ', 'e\u0301', '\u200ba', '-a', '_a', 'a'.repeat(65),
    '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf',
  ];

  it.each(hostile)('is refused for an account, a strategy, a portfolio and a signal: %j', (name) => {
    expect(fieldsOf(parsed({ ...body, account: name }))).toContain('account');
    expect(fieldsOf(parsed({ ...body, strategy: { id: name, version: '1' } }))).toContain('strategy.id');
    expect(fieldsOf(parsed({ ...body, portfolio: name }))).toContain('portfolio');
    expect(fieldsOf(parsed({ ...body, key: { policy: 'signal', signal_id: name, window: 'w' } }))).toContain('key.signal_id');
  });

  it.each(['', ' ', 'SPY\n', 'SPY ', '$SPY', '/SPY', 'ЅPY', 'S'.repeat(33), 'SPY\u0000', 'SPY;DROP'])('is refused for a symbol: %j', (symbol) => {
    expect(fieldsOf(parsed(withOrder({ symbol })))).toEqual(['orders.0.symbol']);
  });

  it.each(['SPY', 'BRK.B', 'BTC/USD', 'ES_Z4', 'a-b'])('may be a symbol: %s', (symbol) => {
    expect(codeOf(parsed(withOrder({ symbol })))).toBe('ok');
  });

  it.each(['', ' k', 'k ', 'k\r\nX: 1', 'k\u0007', 'schlüssel', 'x'.repeat(129)])('is refused for a key: %j', (key) => {
    expect(fieldsOf(parsed({ ...body, key: { policy: 'explicit', key } }))).toEqual(['key.key']);
  });
});

describe('text for people', () => {
  it.each(['\u0000', '\u001b[31mred', 'a\rb', '\u0085', '\u009b', '\u202egnp.exe', '\u2066', '\u2028', '\ufeff', '\u200f', '\ud800', '\udfff x'])('is refused as a reason when it could mislead: %j', (reason) => {
    expect(fieldsOf(parsed({ ...body, reason }))).toEqual(['reason']);
  });

  it('that comes back in an answer has nothing hostile left in it', () => {
    const result = parsed({ ...body, 'a\u001b[2J\u202e\r\n': 1 });
    expect(codeOf(result)).toBe('INTENT_INVALID');
    expect(result.ok ? '' : result.detail).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  });
});

describe('members that are not what they seem', () => {
  it.each(['{"__proto__": {"polluted": true}}', '{"constructor": {"prototype": {"polluted": true}}}', '{"orders": [{"__proto__": {"qty": "1"}}]}'])('pollute nothing: %s', (text) => {
    expect(codeOf(parsed(text))).toBe('INTENT_INVALID');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('are not inherited: a member under __proto__ is no member', () => {
    const text = JSON.stringify(body).replace('"account":"paper-1"', '"__proto__":{"account":"paper-1"}');
    expect(fieldsOf(parsed(text))).toContain('account');
  });

  it('given twice are refused: which one counts would depend on who reads it', () => {
    const text = JSON.stringify(body).replace('"qty":"10"', '"qty":"10","qty":"11"');
    expect(codeOf(parsed(text))).toBe('INTENT_NOT_JSON');
  });
});

describe('the key of an intent', () => {
  const keyed = (key: object, more: object = {}): string => {
    const result = parsed({ ...body, ...more, key });
    if (!result.ok) throw new Error(result.detail);
    return result.intent.intent_key;
  };

  it('by signal does not depend on what is ordered', () => {
    const key = { policy: 'signal', signal_id: 's', window: '2024-01-02T10:00:00Z' };
    expect(keyed(key, { orders: [{ ...order, qty: '99' }] })).toBe(keyed(key));
    expect(keyed(key, { mode: 'live' })).not.toBe(keyed(key));
  });

  it('by rebalance depends on symbol, side and target quantity, not on prices', () => {
    const key = { policy: 'rebalance', rebalance_id: 'r' };
    expect(keyed(key, { orders: [{ ...order, limit_price: '1' }] })).toBe(keyed(key));
    expect(keyed(key, { orders: [{ ...order, qty: '10.0' }] })).toBe(keyed(key));
    expect(keyed(key, { orders: [{ ...order, qty: '11' }] })).not.toBe(keyed(key));
  });

  it('of its own belongs to the strategy', () => {
    const key = { policy: 'explicit', key: 'k' };
    expect(keyed(key, { strategy: { id: 'other', version: '1' } })).not.toBe(keyed(key));
    expect(keyed(key, { strategy: { id: 'basket', version: '2' } })).toBe(keyed(key));
  });
});
