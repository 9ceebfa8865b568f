import { connectBus, createBus, serve } from '@tallystick/messaging';
import { silentLog, silentMetrics, systemPorts } from '@tallystick/platform';
import type { JsonObject } from '@tallystick/ports';
import { nodeTransport } from '@tallystick/venues';
import pg from 'pg';
import { OUTBOX_DONE, OUTBOX_SUBJECT, SCHEMA, STAGES } from '../postgres/schema.ts';
import { serveChannel } from './channel.ts';

/**
 * The reference that everybody knows: a Postgres outbox. Each stage takes one message per transaction, inserts the event it leads to
 * and the message of the next stage, and deletes its own; commits are synced. Five stages in one process wake each other directly, so
 * that nothing is lost to polling.
 */

const WORKERS_PER_STAGE = 2;
const POLL_MS = 200;
const venueUrl = process.env['TALLY_PAPER_VENUE_URL'] ?? '';
const connectionOf = JSON.parse(process.env['BENCH_POSTGRES'] ?? '{}') as pg.ClientConfig;
/** Events as large as the product's are written: sizes by stage, bytes. */
const bytes = JSON.parse(process.env['BENCH_OUTBOX_BYTES'] ?? '[]') as readonly number[];
const pads = bytes.map((size) => 'x'.repeat(size));
const SEND_DEADLINE_MS = 5_000;

const transport = nodeTransport();
const ports = systemPorts();
const connection = await connectBus({ servers: process.env['TALLY_NATS_URL'] ?? '', name: 'outbox', log: silentLog, metrics: silentMetrics, ports });
const bus = createBus(connection);
const intake = new pg.Pool({ ...connectionOf, max: 8 });
await intake.query(SCHEMA);

const wakers: (() => void)[][] = STAGES.map(() => []);
const wake = (stage: number): void => {
  for (const one of wakers[stage]?.splice(0, 1) ?? []) one();
};
const idle = (stage: number): Promise<void> => new Promise((resolve) => {
  const timer = setTimeout(resolve, POLL_MS);
  wakers[stage]?.push(() => {
    clearTimeout(timer);
    resolve();
  });
});

interface Message {
  readonly id: string;
  readonly order_id: string;
  readonly body: string;
}

const record = (client: pg.Client, orderId: string, revision: number, type: string): Promise<unknown> =>
  client.query({ name: 'event', text: 'INSERT INTO events (stream, revision, type, data) VALUES ($1, $2, $3, $4)', values: [`order-${orderId}`, revision, type, pads[revision] ?? ''] });

const send = async (orderId: string): Promise<void> => {
  const body = JSON.stringify({ client_order_id: orderId, account: 'outbox', symbol: 'AAA', side: 'buy', qty: '100', order_type: 'market', time_in_force: 'DAY' });
  const answer = await transport({ method: 'POST', url: `${venueUrl}/v1/orders`, headers: { authorization: 'Bearer outbox' }, body, deadlineMs: SEND_DEADLINE_MS });
  if (answer.kind !== 'answer') throw new Error(answer.code);
};

/** One message, one transaction; the claim is a transaction of its own, since it must be durable before the venue is called. */
const work = async (client: pg.Client, stage: number): Promise<boolean> => {
  await client.query('BEGIN');
  const taken = await client.query<Message>({ name: 'take', text: 'SELECT id, order_id, body FROM outbox WHERE stage = $1 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED', values: [stage] });
  const [message] = taken.rows;
  if (!message) {
    await client.query('ROLLBACK');
    return false;
  }
  const { order_id: orderId } = message;
  const order = JSON.parse(message.body) as { readonly qty: number };
  if (STAGES[stage] === 'execution') {
    await claims.query({ name: 'claim', text: 'INSERT INTO events (stream, revision, type, data) VALUES ($1, $2, $3, $4)', values: [`claim-${orderId}`, 0, 'claimed', pads[stage] ?? ''] });
    await send(orderId);
  }
  await record(client, orderId, stage, STAGES[stage] ?? '');
  const last = stage === STAGES.length - 1;
  if (last) await client.query({ name: 'position', text: 'INSERT INTO positions VALUES ($1, $2) ON CONFLICT (account) DO UPDATE SET qty = positions.qty + $2', values: ['outbox', order.qty] });
  else await client.query({ name: 'next', text: 'INSERT INTO outbox (stage, order_id, body) VALUES ($1, $2, $3)', values: [stage + 1, orderId, message.body] });
  await client.query({ name: 'done', text: 'DELETE FROM outbox WHERE id = $1', values: [message.id] });
  await client.query('COMMIT');
  if (last) bus.announce(OUTBOX_DONE, { order_id: orderId });
  else wake(stage + 1);
  return true;
};

const claims = new pg.Pool({ ...connectionOf, max: WORKERS_PER_STAGE });
let stopping = false;
const worker = async (stage: number): Promise<void> => {
  const client = new pg.Client(connectionOf);
  await client.connect();
  while (!stopping) if (!(await work(client, stage))) await idle(stage);
  await client.end();
};
const workers = STAGES.flatMap((_, stage) => Array.from({ length: WORKERS_PER_STAGE }, () => worker(stage)));
for (const one of workers) {
  one.catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  });
}

serve(connection, {
  subject: OUTBOX_SUBJECT, queue: 'outbox',
  handler: async ({ body }) => {
    const orderId = String((body as JsonObject)['order_id']);
    await intake.query({ name: 'intake', text: 'INSERT INTO outbox (stage, order_id, body) VALUES (0, $1, $2)', values: [orderId, JSON.stringify({ qty: 100, pad: pads[0] })] });
    wake(0);
    return { order_id: orderId };
  },
});

serveChannel({}, {}, async () => {
  stopping = true;
  await connection.close();
});
