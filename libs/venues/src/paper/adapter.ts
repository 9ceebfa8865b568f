import { setTimeout as delay } from 'node:timers/promises';
import type { CancelOrder, EncodedRequest, JsonObject, Log, PlaceOrder, RawReport, Timers, Venue, VenueDescriptor, VenueInstrument, VenueRead } from '@tallystick/ports';
import { nodeTransport } from '../http-transport.ts';
import type { HttpResult, HttpTransport } from '../http-transport.ts';
import { asObject, classify } from './classify.ts';
import { interpret } from './interpret.ts';
import { followReports } from './report-stream.ts';

export interface PaperVenueClientOptions {
  /** `http://host:port`, without a path. */
  readonly baseUrl: string;
  /** The account's bearer token, or a way to find it; asked for no account where any will do. */
  readonly token: string | ((account: string | undefined) => string);
  readonly transport?: HttpTransport;
  readonly timers?: Pick<Timers, 'sleep'>;
  readonly log?: Log;
  /** What the venue was started with; `none` unless told otherwise. */
  readonly dedupe?: 'none' | 'permanent';
}

/** Reads are small and local; what takes longer is asked again by whoever needs it. */
const READ_DEADLINE_MS = 5_000;
const ORDER_ID = /^([a-z2-7]{32})(?:-c\d{1,4})?$/;

const descriptorOf = (dedupe: 'none' | 'permanent'): VenueDescriptor => ({
  venue: 'paper',
  modes: ['paper'],
  order_types: ['market', 'limit', 'stop', 'stop_limit'],
  times_in_force: ['DAY', 'GTC', 'IOC', 'FOK'],
  dedupe,
  lookup_by_client_order_id: true,
  // A request that is still in a socket's buffer is taken within this, or its connection is gone.
  admissibility_window_ms: 2_000,
  client_order_id_max_chars: 64,
  report_stream: 'resumable',
  native_cancel: true,
  requests_per_second_max: 1_000,
});

const encode = (command: PlaceOrder | CancelOrder): EncodedRequest => {
  if (command.action === 'cancel') {
    const { client_order_id, target_client_order_id, account, venue_order_id } = command;
    return { method: 'POST', path: '/v1/cancels', body: JSON.stringify({ client_order_id, target_client_order_id, account, venue_order_id }) };
  }
  const { client_order_id, account, symbol, side, qty, order_type, time_in_force, limit_price, stop_price } = command;
  // Keys in one order, absent ones left out: the same command gives the same bytes.
  return { method: 'POST', path: '/v1/orders', body: JSON.stringify({ client_order_id, account, symbol, side, qty, order_type, time_in_force, limit_price, stop_price }) };
};

const realTimers: Pick<Timers, 'sleep'> = {
  sleep: async (ms, _why, signal) => {
    try {
      await delay(ms, undefined, signal ? { signal } : {});
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
  },
};

const unavailable = (result: HttpResult): VenueRead<never> => {
  if (result.kind !== 'answer') return { kind: 'unavailable', code: result.code, detail: result.detail };
  const code = asObject(result.text)?.['code'];
  return { kind: 'unavailable', code: typeof code === 'string' ? code : `HTTP_${result.status}`, detail: result.text.slice(0, 200) };
};

const sequenceOf = (body: JsonObject): string => String(body['report_sequence'] ?? 'none');

const isInstrument = (value: unknown): value is VenueInstrument =>
  typeof value === 'object' && value !== null
  && ['symbol', 'currency', 'tick_size', 'lot_size', 'session'].every((key) => typeof (value as Record<string, unknown>)[key] === 'string');

/** The paper venue behind the venue port. `send` never retries; reads say `unavailable` for everything but the venue's own word. */
export const paperVenue = (options: PaperVenueClientOptions): Venue => {
  const transport = options.transport ?? nodeTransport();
  const base = options.baseUrl.replace(/\/+$/, '');
  const timers = options.timers ?? realTimers;
  const log = options.log ?? { write: () => undefined };
  const headersFor = (account: string | undefined): Record<string, string> => ({
    authorization: `Bearer ${typeof options.token === 'string' ? options.token : options.token(account)}`,
  });
  const get = (account: string | undefined, path: string): Promise<HttpResult> =>
    transport({ method: 'GET', url: base + path, headers: headersFor(account), deadlineMs: READ_DEADLINE_MS });
  /** The venue's JSON, where it answered with that status. */
  const bodyOf = (result: HttpResult, status: number): JsonObject | undefined =>
    (result.kind === 'answer' && result.status === status && result.content_type.includes('json') ? asObject(result.text) : undefined);
  const asReport = (report_id: string, account: string, body: JsonObject): VenueRead<RawReport> =>
    ({ kind: 'ok', value: { report_id, account, channel: 'query', body }, raw: body });

  return {
    descriptor: descriptorOf(options.dedupe ?? 'none'),
    clientOrderId: (orderId, action, n) => (action === 'place' ? orderId : `${orderId}-c${n}`),
    orderIdOf: (clientOrderId) => ORDER_ID.exec(clientOrderId)?.[1],
    encode,
    send: async (request, { deadlineMs }) => {
      const body = asObject(request.body);
      const account = body?.['account'];
      const clientOrderId = body?.['client_order_id'];
      if (typeof account !== 'string' || typeof clientOrderId !== 'string') {
        return { kind: 'not_sent', code: 'REQUEST_INVALID', detail: 'these bytes were not made by encode()' };
      }
      return classify(await transport({ method: request.method, url: base + request.path, headers: headersFor(account), body: request.body, deadlineMs }), clientOrderId);
    },
    query: async (account, clientOrderId) => {
      const result = await get(account, `/v1/orders?client_order_id=${encodeURIComponent(clientOrderId)}`);
      const found = bodyOf(result, 200);
      if (found && found['client_order_id'] === clientOrderId) return asReport(`query-${clientOrderId}-${sequenceOf(found)}`, account, found);
      const missing = bodyOf(result, 404);
      if (missing && missing['code'] === 'ORDER_NOT_FOUND' && missing['client_order_id'] === clientOrderId) return { kind: 'absent', raw: missing };
      return unavailable(result);
    },
    snapshot: async (account) => {
      const result = await get(account, `/v1/accounts/${encodeURIComponent(account)}`);
      const body = bodyOf(result, 200);
      return body && body['account'] === account ? asReport(`snapshot-${account}-${sequenceOf(body)}`, account, body) : unavailable(result);
    },
    instruments: async () => {
      const result = await get(undefined, '/v1/instruments');
      const body = bodyOf(result, 200);
      const list: unknown = body?.['instruments'];
      if (!body || !Array.isArray(list) || !list.every(isInstrument)) return unavailable(result);
      return { kind: 'ok', value: list, raw: body };
    },
    reports: (account, afterSequence, onReport) => followReports({
      account, log, timers, headers: headersFor(account),
      url: (after) => `${base}/v1/accounts/${encodeURIComponent(account)}/reports?after=${after}`,
    }, afterSequence, onReport),
    interpret,
  };
};
