import { join } from 'node:path';
import { connect } from 'node:net';
import { judged, type CampaignCase, type CaseContext } from '../case.ts';
import { finding, holds, type Finding } from '../findings.ts';
import { OPEN_DAY, writeMarket } from '../market/generate.ts';
import { list, text } from '../oracle/json.ts';
import { readLog, type Log } from '../oracle/log.ts';
import { countsBy, countsText, orderOf } from '../oracle/orders.ts';
import { residentKib } from '../system/proc.ts';
import { Standalone } from '../system/standalone.ts';
import { atRest, withSystem } from './at-rest.ts';
import { Doors, receiptOfHttp, receiptOfNats } from './doors.ts';
import { duplicateMembers, goodIntent, hostileBodies, mutated, type HostileBody } from './hostile-bodies.ts';

/** A hostile body in so many is followed by a good intent. */
const GOOD_EVERY = 5;
const MUTATIONS = 1_500;
const AT_A_TIME = 16;
/** A good intent is answered within this while hostile ones come in, at the 95th percentile. Undisturbed it takes milliseconds. */
const GOOD_MS_MAX = 1_000;
/** What a service may grow by over thousands of hostile bodies: the heap's own slack after a burst, not what they sent. */
const GROWTH_KIB_MAX = 160 * 1_024;
const SERVICES = ['intents', 'risk', 'execution', 'fills', 'supervisor', 'gateway', 'eventstore', 'nats-server', 'paper-venue'] as const;

interface Told {
  readonly body: HostileBody;
  readonly channel: 'nats' | 'http';
  readonly code: string;
  readonly answer: string;
}

interface GoodOne {
  readonly tookMs: number;
  readonly orderId: string;
}

const codeIn = (receipt: unknown): string => text(receipt, 'code') || text(receipt, 'status');

const tell = async (doors: Doors, body: HostileBody, channel: 'nats' | 'http'): Promise<Told> => {
  if (channel === 'nats') {
    const reply = await doors.byNats('manual', body.bytes);
    const receipt = receiptOfNats(reply);
    return { body, channel, code: receipt === undefined ? reply.kind : codeIn(receipt), answer: JSON.stringify(receipt ?? reply).slice(0, 160) };
  }
  const reply = await doors.byHttp(body.key, body.bytes);
  const receipt = receiptOfHttp(reply);
  return { body, channel, code: receipt === undefined ? String(reply.status) : codeIn(receipt), answer: reply.text.slice(0, 160) };
};

const sendGood = async (doors: Doors, key: string, channel: 'nats' | 'http'): Promise<GoodOne> => {
  const beganMs = performance.now();
  const { receipt } = await doors.submit(channel, { strategy: 'manual', key, body: JSON.stringify(goodIntent(key, { orders: [{ symbol: 'BAC', side: 'buy', qty: '1', order_type: 'market', time_in_force: 'DAY' }] })) });
  return { tookMs: performance.now() - beganMs, orderId: text(list(receipt, 'orders')[0], 'order_id') };
};

const p95 = (ones: readonly GoodOne[]): number => [...ones].sort((a, b) => a.tookMs - b.tookMs)[Math.floor(ones.length * 0.95)]?.tookMs ?? 0;

const malformedIn = (log: Log): readonly string[] => [...log.streams('audit-').values()].flat().filter(({ type }) => type === 'IntentMalformed').map(({ data }) => text(data, 'code'));

/** What the doors themselves refuse, before there is a body to speak of: by its code, and not as an intent. */
const atTheDoor = async (doors: Doors, viewerToken: string): Promise<readonly (readonly [string, string, string])[]> => {
  const key = 'door';
  const good = JSON.stringify(goodIntent(key));
  const http = async (headers: Readonly<Record<string, string>>, of = key): Promise<string> => {
    const { status, body } = await doors.byHttp(of, good, { headers });
    return `${status} ${text(body, 'code')}`;
  };
  const flood = await doors.byNats('manual', Buffer.alloc(200 * 1_024, 0x20));
  return [
    ['no token', await http({ authorization: '' }), '401'], ['a wrong token', await http({ authorization: `Bearer ${'x'.repeat(32)}` }), '401'], ['a token that may only read', await http({ authorization: `Bearer ${viewerToken}` }), '403'],
    ['no idempotency key', await http({ 'idempotency-key': '' }), '400 IDEMPOTENCY_KEY_REQUIRED'], ['another idempotency key', await http({}, 'another'), '400 IDEMPOTENCY_KEY_MISMATCH'],
    ['another content type', await http({ 'content-type': 'text/plain' }), '415 CONTENT_TYPE_UNSUPPORTED'], ['a compressed body', await http({ 'content-encoding': 'gzip' }), '415 CONTENT_ENCODING_UNSUPPORTED'],
    ['200 KiB on NATS', flood.kind, 'refused'],
  ];
};

/** A request that no client library would send; the first line of the answer. */
const rawHttp = (url: string, request: string): Promise<string> =>
  new Promise((resolve) => {
    const { port } = new URL(url);
    let said = '';
    const socket = connect({ port: Number(port), host: '127.0.0.1' }, () => socket.write(request));
    const end = (): void => {
      socket.destroy();
      resolve(said.split('\r\n')[0] ?? '');
    };
    socket.setTimeout(5_000, end);
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
      if (said.includes('\r\n')) end();
    });
    socket.on('error', end);
    socket.on('close', end);
  });

const smuggling = async ({ gateway, token }: Doors): Promise<readonly (readonly [string, string, string])[]> => {
  const head = `POST /v1/intents HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nIdempotency-Key: raw\r\n`;
  return [
    ['two lengths', await rawHttp(gateway, `${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`), 'HTTP/1.1 400'],
    ['a length and chunks', await rawHttp(gateway, `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`), 'HTTP/1.1 400'],
    ['32 KiB of headers', await rawHttp(gateway, `${head}X-Long: ${'x'.repeat(32 * 1_024)}\r\n\r\n`), 'HTTP/1.1 431'],
    ['no HTTP', await rawHttp(gateway, 'buy 100 SPY\r\n\r\n'), 'HTTP/1.1 400'],
  ];
};

const memoryOf = (system: Standalone): ReadonlyMap<string, number> => new Map(SERVICES.map((name) => [name, residentKib(system.pid(name) ?? 0)]));

const growth = (before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): Finding => {
  const grown = [...after].map(([name, kib]) => ({ name, kib: kib - (before.get(name) ?? 0) }));
  const over = grown.filter(({ kib }) => kib > GROWTH_KIB_MAX).map(({ name, kib }) => `${name} grew by ${Math.round(kib / 1_024)} MiB`);
  const most = grown.sort((a, b) => b.kib - a.kib)[0];
  return finding(`no process grew by more than ${GROWTH_KIB_MAX / 1_024} MiB`, over, `at most ${Math.round((most?.kib ?? 0) / 1_024)} MiB (${most?.name ?? ''})`);
};

interface Assault {
  readonly told: readonly Told[];
  readonly good: readonly GoodOne[];
}

/** Every hostile body by both channels, with good intents in between. */
const assault = async (doors: Doors, bodiesOf: (prefix: string) => readonly HostileBody[]): Promise<Assault> => {
  const told: Told[] = [];
  const good: GoodOne[] = [];
  const all = (['nats', 'http'] as const).flatMap((channel) => bodiesOf(channel).map((body) => ({ body, channel })));
  for (const [index, { body, channel }] of all.entries()) {
    told.push(await tell(doors, body, channel));
    if (index % GOOD_EVERY === 0) good.push(await sendGood(doors, `good-${index}`, index % 2 === 0 ? 'nats' : 'http'));
  }
  return { told, good };
};

/** Mutated intents, many at a time, and a good one now and then: what they become is counted, not foretold. */
const flood = async (doors: Doors, { random }: CaseContext): Promise<Assault> => {
  const told: Told[] = [];
  const good: GoodOne[] = [];
  const bodies = Array.from({ length: MUTATIONS }, (_, n): HostileBody => ({ name: 'a mutation', key: `mutation-${n}`, code: '', bytes: mutated(random.fork(`mutation ${n}`), `mutation-${n}`) }));
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let n = next++; n < bodies.length; n = next++) {
      const body = bodies[n];
      if (body) told.push(await tell(doors, body, n % 2 === 0 ? 'nats' : 'http'));
      if (n % 50 === 0) good.push(await sendGood(doors, `good-flood-${n}`, n % 100 === 0 ? 'nats' : 'http'));
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return { told, good };
};

const MALFORMED = new Set(['INTENT_TOO_LARGE', 'INTENT_NOT_JSON', 'INTENT_TOO_DEEP', 'INTENT_INVALID']);
/** What a mutation may be answered with: refused as no intent, or an intent after all; by HTTP its key may also no longer be the header's. */
const MUTATION_ENDS = new Set([...MALFORMED, 'accepted', 'refused', 'INTENT_REFUSED', 'conflict', 'INTENT_KEY_CONFLICT', 'IDEMPOTENCY_KEY_MISMATCH']);

const expectedOf = ({ body, channel }: Told): string => (channel === 'http' ? (body.httpCode ?? body.code) : body.code);

const judgeTold = (told: readonly Told[]): Finding => {
  const wrong = told.filter((one) => one.code !== expectedOf(one));
  return finding('each hostile body is refused with its code, whichever way it came',
    wrong.map((one) => `${one.body.name} by ${one.channel}: ${one.code} where ${expectedOf(one)} was expected: ${one.answer}`), `${told.length} bodies: ${countsText(countsBy(told, ({ code }) => code))}`);
};

const goodAreFilled = (log: Log, good: readonly GoodOne[]): Finding => {
  const open = good.filter(({ orderId }) => orderOf(orderId, log.stream(`order-${orderId}`)).status !== 'FILLED');
  return finding('every good intent in between is filled', open.map(({ orderId }) => `${orderId} is ${orderOf(orderId, log.stream(`order-${orderId}`)).status}`), `${good.length} orders`);
};

/** D: bodies that are no intents, over both doors, while good ones go on. */
export const hostileCase = (): CampaignCase => ({
  name: 'hostile',
  title: 'malformed, oversized, nested and hostile intents over NATS and HTTP; nothing else is disturbed',
  run: async (context) => {
    const file = join(context.dir, 'market.csv');
    writeMarket(file, context.random.fork('market'), OPEN_DAY);
    const system = new Standalone({ root: context.root, dataDir: join(context.dir, 'data'), market: `csv:${file}`, profile: 'bare', speed: '4', exit: false });
    return withSystem(system, async () => {
      await system.ready();
      const doors = new Doors(system);
      try {
        const alone: GoodOne[] = [];
        for (let n = 0; n < 40; n += 1) alone.push(await sendGood(doors, `alone-${n}`, n % 2 === 0 ? 'nats' : 'http'));
        const memoryBefore = memoryOf(system);
        const recordedBefore = malformedIn(await readLog(system.storeUrl()));
        const first = await assault(doors, (prefix) => [...hostileBodies(prefix), ...duplicateMembers(prefix)]);
        context.say(`${first.told.length} hostile bodies told`);
        const door = [...(await atTheDoor(doors, text(system.secrets(), 'viewer_token'))), ...(await smuggling(doors))];
        const second = await flood(doors, context);
        context.say(`${second.told.length} mutations told`);
        const good = [...alone, ...first.good, ...second.good];
        const accepted = second.told.filter(({ code }) => code === 'accepted').length;
        const rest = await atRest(system, good.length + accepted);
        const recorded = malformedIn(rest.log).slice(recordedBefore.length);
        const all = [...first.told, ...second.told];
        const refused = all.map(({ code }) => code).filter((code) => MALFORMED.has(code));
        const restarts = Object.entries(system.restarts()).filter(([, count]) => count > 0).map(([process, count]) => `${process} ${count} times`);
        const memory = growth(memoryBefore, memoryOf(system));
        const [wasMs, isMs] = [p95(alone), p95([...first.good, ...second.good])];
        const { code } = await system.stop();
        const left = await system.leftBehind();
        return judged([
          judgeTold(first.told),
          finding('each mutation is answered in one of the known ways', second.told.filter((one) => !MUTATION_ENDS.has(one.code)).map((one) => `${one.code}: ${one.answer}`), countsText(countsBy(second.told, (one) => one.code))),
          holds('each refused body is recorded, exactly once, under its code', countsText(countsBy(recorded, (one) => one)) === countsText(countsBy(refused, (one) => one)), `told ${countsText(countsBy(refused, (one) => one))}; recorded ${countsText(countsBy(recorded, (one) => one))}`),
          finding('the doors refuse what is no request', door.filter(([, was, wanted]) => !was.startsWith(wanted)).map(([name, was, wanted]) => `${name}: ${was} where ${wanted} was expected`), door.map(([name]) => name).join(', ')),
          goodAreFilled(rest.log, good), holds(`good intents in between are answered within ${GOOD_MS_MAX} ms at p95`, isMs <= GOOD_MS_MAX, `p95 ${isMs.toFixed(0)} ms; ${wasMs.toFixed(0)} ms before`),
          finding('no process ended meanwhile', restarts, 'none was restarted'), memory, ...rest.findings,
          holds('it stops in order', code === 0, `exit code ${code}`), finding('nothing is left running', left, 'no process of it'),
        ], { 'hostile bodies': first.told.length, mutations: second.told.length, 'good intents in between': first.good.length + second.good.length, recorded: recorded.length });
      } finally {
        doors.close();
      }
    });
  },
});

