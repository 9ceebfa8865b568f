import { describe, expect, it } from '@jest/globals';
import type { JsonValue } from '@tallystick/ports';
import { Problem, type ProblemParts } from '../http/problem.ts';
import { fakeWorld, type FakeWorld } from '../testing/fake-world.ts';
import type { MalformedLog } from './malformed-log.ts';
import { IntentDoor } from './submit.ts';

const BODY = { version: 1, key: { policy: 'explicit', key: 'k1' }, strategy: { id: 'basket', version: '1' }, account: 'paper-1', orders: [{ symbol: 'SPY', side: 'buy', qty: '1', order_type: 'market' }] };
const ACCEPTED = { version: 1, status: 'accepted', request_id: 'r1', intent_key: 'a'.repeat(64), digest: 'd', orders: [], refusals: [], repeated: false, position: '7' };
const UNAVAILABLE = { version: 1, status: 'unavailable', request_id: 'r1', code: 'POLICY_UNREADABLE', detail: 'no policy' };
const BUSY = { ok: false, code: 'BUSY', detail: 'too many', retryable: true };

const bytes = (body: unknown): Uint8Array => Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
const recorded: { readonly code: string }[] = [];
const malformed = { record: (_body: unknown, fault: { readonly code: string }) => Promise.resolve((recorded.push(fault), { ok: true })) } as unknown as MalformedLog;
const doorOf = (world: FakeWorld): IntentDoor => new IntentDoor(world.ports, malformed);
const problem = async (work: Promise<unknown>): Promise<ProblemParts> => {
  const thrown: unknown = await work.then(() => undefined, (error: unknown) => error);
  if (!(thrown instanceof Problem)) throw new Error('expected a problem');
  return thrown.parts;
};

describe('the door for intents', () => {
  it('sends the body as it is to its strategy’s subject, and repeats the same until it is answered for good', async () => {
    const answers: (JsonValue | undefined)[] = [undefined, BUSY, UNAVAILABLE, ACCEPTED];
    const world = fakeWorld((_body, n) => answers[n - 1]);
    expect(await doorOf(world).submit(bytes(BODY), 'k1')).toMatchObject({ status: 202, headers: { Location: `/v1/intents/${'a'.repeat(64)}`, 'Tally-Position': '7' } });
    expect(world.asked).toEqual(Array.from({ length: 4 }, () => ({ subject: 'tally.intent.basket', body: BODY })));
  });

  it('does not know the outcome when nobody answers within ten seconds', async () => {
    const world = fakeWorld();
    expect(await problem(doorOf(world).submit(bytes(BODY), 'k1'))).toMatchObject({ status: 504, code: 'OUTCOME_UNKNOWN', detail: expect.stringContaining('Repeat with the same key') });
    expect(world.nowMs).toBeGreaterThanOrEqual(10_000);
    expect(world.nowMs).toBeLessThan(11_000);
  });

  it('still does not know when one try of several went unanswered', async () => {
    const world = fakeWorld((_body, n) => (n === 1 ? undefined : UNAVAILABLE));
    expect(await problem(doorOf(world).submit(bytes(BODY), 'k1'))).toMatchObject({ status: 504, code: 'OUTCOME_UNKNOWN' });
  });

  it('promises nothing when it was told so every time', async () => {
    expect(await problem(doorOf(fakeWorld(() => UNAVAILABLE)).submit(bytes(BODY), 'k1'))).toMatchObject({ status: 503, code: 'POLICY_UNREADABLE', extra: { receipt: UNAVAILABLE } });
    expect(await problem(doorOf(fakeWorld(() => BUSY)).submit(bytes(BODY), 'k1'))).toMatchObject({ status: 503, code: 'BUSY' });
  });

  it('does not repeat what will never be taken, and never passes on an answer that is none', async () => {
    const world = fakeWorld(() => ({ ok: false, code: 'MESSAGE_TOO_LARGE', detail: 'too large', retryable: false }));
    expect(await problem(doorOf(world).submit(bytes(BODY), 'k1'))).toMatchObject({ status: 400, code: 'MESSAGE_TOO_LARGE' });
    expect(world.asked).toHaveLength(1);
    const garbled = fakeWorld(() => ({ status: 'accepted' }));
    expect(await problem(doorOf(garbled).submit(bytes(BODY), 'k1'))).toMatchObject({ status: 504 });
    expect(garbled.logged).toContain('gateway.receipt_unreadable');
  });

  it('wants the header, and with an explicit key the same words in both places', async () => {
    const door = doorOf(fakeWorld(() => ACCEPTED));
    expect(await problem(door.submit(bytes(BODY), undefined))).toMatchObject({ status: 400, code: 'IDEMPOTENCY_KEY_REQUIRED' });
    expect(await problem(door.submit(bytes(BODY), 'k2'))).toMatchObject({ status: 400, code: 'IDEMPOTENCY_KEY_MISMATCH' });
    expect(await door.submit(bytes(BODY), '"k1"')).toMatchObject({ status: 202 });
    expect(await door.submit(bytes({ ...BODY, key: { policy: 'signal', signal_id: 's', window: 'w' } }), 'anything')).toMatchObject({ status: 202 });
  });

  it.each([['{"a": NaN}', 'INTENT_NOT_JSON'], ['['.repeat(30) + ']'.repeat(30), 'INTENT_TOO_DEEP']])('records %s itself, since no service could be sent it', async (text, code) => {
    const world = fakeWorld();
    expect(await problem(doorOf(world).submit(bytes(text), 'k'))).toMatchObject({ status: 400, code });
    expect(world.asked).toHaveLength(0);
    expect(recorded.at(-1)?.code).toBe(code);
  });

  it('forwards JSON that is no intent, under a name no strategy has where it names none', async () => {
    const said = { version: 1, status: 'malformed', request_id: 'r', code: 'INTENT_INVALID', detail: 'orders: is missing', issues: [{ field: 'orders', detail: 'is missing' }] };
    const world = fakeWorld(() => said);
    expect(await problem(doorOf(world).submit(bytes({ strategy: { id: 'evil.>' } }), 'k'))).toMatchObject({ status: 400, code: 'INTENT_INVALID', checks: [{ field: 'orders' }], extra: { receipt: said } });
    expect(world.asked[0]?.subject).toBe('tally.intent.unnamed');
  });
});
