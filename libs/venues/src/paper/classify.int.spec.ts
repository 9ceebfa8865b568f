import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { PlaceOrder, SendOutcome, Venue } from '@tallystick/ports';
import { paperVenue } from './adapter.ts';

const ORDER_ID = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa2';
const command: PlaceOrder = {
  action: 'place', client_order_id: ORDER_ID, account: 'acc', symbol: 'AAA', side: 'buy', qty: '1', order_type: 'market', time_in_force: 'DAY',
};

/** A peer that does to each connection what the test says, once a request has come. */
const servers = new Set<Server>();
const sockets = new Set<Socket>();
const peer = (behave: (socket: Socket, nth: number) => void): Promise<number> => new Promise((resolve) => {
  let nth = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => sockets.delete(socket));
    socket.on('data', () => behave(socket, (nth += 1)));
  });
  servers.add(server);
  server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
});
const closeAll = async (): Promise<void> => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await Promise.all([...servers].map((server) => new Promise((resolve) => server.close(resolve))));
  servers.clear();
};
afterEach(closeAll);

const http = (status: string, body: string, { type = 'application/json', length = Buffer.byteLength(body), more = '' } = {}): string =>
  `HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\n${more}\r\n${body}`;
const answer = (fields: object): string => JSON.stringify({ client_order_id: ORDER_ID, reports: [{ type: 'acknowledged' }], ...fields });
const refusal = (code: string): string => JSON.stringify({ code, detail: 'no', status: 0 });

const adapterOf = (port: number): Venue => paperVenue({ baseUrl: `http://127.0.0.1:${port}`, token: 'secret' });
const sendTo = (venue: Venue, deadlineMs = 5_000): Promise<SendOutcome> => venue.send(venue.encode(command), { deadlineMs });
const outcomeOf = async (behave: (socket: Socket) => void, deadlineMs?: number): Promise<string> => {
  const outcome = await sendTo(adapterOf(await peer(behave)), deadlineMs);
  return 'code' in outcome ? `${outcome.kind} ${outcome.code}` : outcome.kind;
};

/** Every answer a transport or the protocol can give, and the one thing it means. */
describe('golden table of outcomes', () => {
  it.each([
    ['201 with the order\'s reports', http('201 Created', answer({})), 'confirmed'],
    ['200 with the order\'s reports', http('200 OK', answer({})), 'confirmed'],
    ['201 about another order', http('201 Created', answer({ client_order_id: 'other' })), 'unknown UNEXPECTED_ANSWER'],
    ['201 without reports', http('201 Created', answer({ reports: [] })), 'unknown UNEXPECTED_ANSWER'],
    ['201 with an empty body', http('201 Created', ''), 'unknown NOT_JSON'],
    ['201 with half a JSON body', http('201 Created', answer({}).slice(0, 30)), 'unknown NOT_JSON'],
    ['201 with a JSON list', http('201 Created', '[]'), 'unknown NOT_JSON'],
    ['200 with HTML', http('200 OK', '<html>', { type: 'text/html' }), 'unknown NOT_JSON'],
    ['200 with JSON that says it is text', http('200 OK', answer({}), { type: 'text/plain' }), 'unknown NOT_JSON'],
    ['202', http('202 Accepted', answer({})), 'unknown HTTP_202'],
    ['204', 'HTTP/1.1 204 No Content\r\n\r\n', 'unknown NOT_JSON'],
    ['302', http('302 Found', '', { more: 'location: /\r\n' }), 'unknown HTTP_302'],
    ['400 with the venue\'s code', http('400 Bad Request', refusal('MALFORMED_ORDER')), 'refused_by_venue MALFORMED_ORDER'],
    ['401', http('401 Unauthorized', refusal('UNAUTHENTICATED')), 'refused_by_venue UNAUTHENTICATED'],
    ['403', http('403 Forbidden', refusal('WRONG_ACCOUNT')), 'refused_by_venue WRONG_ACCOUNT'],
    ['404', http('404 Not Found', refusal('UNKNOWN_ORDER')), 'refused_by_venue UNKNOWN_ORDER'],
    ['409', http('409 Conflict', refusal('TOO_LATE_TO_CANCEL')), 'refused_by_venue TOO_LATE_TO_CANCEL'],
    ['413', http('413 Content Too Large', refusal('BODY_TOO_LARGE')), 'refused_by_venue BODY_TOO_LARGE'],
    ['422', http('422 Unprocessable', refusal('NO_QUOTE')), 'refused_by_venue NO_QUOTE'],
    ['429', http('429 Too Many Requests', refusal('RATE_LIMITED')), 'refused_by_venue RATE_LIMITED'],
    ['409 for an id that is in use', http('409 Conflict', refusal('DUPLICATE_CLIENT_ORDER_ID')), 'unknown DUPLICATE_CLIENT_ORDER_ID'],
    ['403 with a proxy\'s HTML', http('403 Forbidden', '<html>', { type: 'text/html' }), 'unknown HTTP_403'],
    ['422 without a code', http('422 Unprocessable', '{}'), 'unknown HTTP_422'],
    ['408', http('408 Request Timeout', refusal('SLOW')), 'unknown SLOW'],
    ['500', http('500 Internal Server Error', refusal('VENUE_FAILED')), 'unknown VENUE_FAILED'],
    ['502 with HTML', http('502 Bad Gateway', '<html>', { type: 'text/html' }), 'unknown HTTP_502'],
    ['503 with JSON', http('503 Service Unavailable', '{}'), 'unknown HTTP_503'],
    ['what is not HTTP', 'hello\r\n\r\n', 'unknown HPE_INVALID_CONSTANT'],
  ])('%s', async (_what, text, expected) => {
    expect(await outcomeOf((socket) => socket.write(text))).toBe(expected);
  });

  it.each([
    ['a body shorter than announced, then the end', (socket: Socket) => socket.end(http('201 Created', answer({}), { length: 5_000 })), /^unknown (ANSWER_CUT|ECONNRESET)$/],
    ['a close without a word', (socket: Socket) => socket.end(), /^unknown ECONNRESET$/],
    ['a reset after the request', (socket: Socket) => socket.resetAndDestroy(), /^unknown ECONNRESET$/],
    ['a reset in the middle of the answer', (socket: Socket) => {
      socket.write(http('201 Created', answer({}), { length: 5_000 }), () => socket.resetAndDestroy());
    }, /^unknown (ANSWER_CUT|ECONNRESET)$/],
  ])('%s', async (_what, behave, expected) => {
    expect(await outcomeOf(behave)).toMatch(expected);
  });

  it('no answer in time, and half an answer in time, are unknown', async () => {
    expect(await outcomeOf(() => undefined, 100)).toBe('unknown TIMEOUT');
    expect(await outcomeOf((socket) => socket.write(http('201 Created', answer({}), { length: 5_000 })), 100)).toBe('unknown TIMEOUT');
  });

  it('a refused connection, a name that is none and a bad address never left', async () => {
    const closed = await peer(() => undefined);
    await closeAll();
    for (const [baseUrl, code] of [[`http://127.0.0.1:${closed}`, 'ECONNREFUSED'], ['http://no-such-host.invalid', /^(ENOTFOUND|EAI_AGAIN)$/], ['http://[', 'REQUEST_INVALID']] as const) {
      const outcome = await sendTo(paperVenue({ baseUrl, token: 'secret' }));
      expect(outcome.kind).toBe('not_sent');
      expect('code' in outcome && outcome.code).toMatch(code);
    }
  });

  it('bytes that encode did not make are not sent', async () => {
    let requests = 0;
    const venue = adapterOf(await peer(() => (requests += 1)));
    expect(await venue.send({ method: 'POST', path: '/v1/orders', body: '{}' }, { deadlineMs: 1_000 })).toMatchObject({ kind: 'not_sent', code: 'REQUEST_INVALID' });
    expect(requests).toBe(0);
  });

  it('a kept connection that dies under the next request makes that one unknown, and is sent once', async () => {
    let requests = 0;
    const venue = adapterOf(await peer((socket, nth) => {
      requests += 1;
      if (nth === 1) socket.write(http('201 Created', answer({})));
      else socket.destroy();
    }));
    expect((await sendTo(venue)).kind).toBe('confirmed');
    expect((await sendTo(venue)).kind).toBe('unknown');
    expect(requests).toBe(2);
  });

  it('reads say unavailable for all of these, and absent only for the venue\'s own word about that order', async () => {
    const absent = JSON.stringify({ code: 'ORDER_NOT_FOUND', client_order_id: ORDER_ID, account: 'acc', time_ms: 1 });
    const table: readonly [string, string][] = [
      [http('404 Not Found', absent), 'absent'], [http('404 Not Found', absent.replace(ORDER_ID, 'other')), 'unavailable'], [http('404 Not Found', '<html>', { type: 'text/html' }), 'unavailable'],
      [http('404 Not Found', refusal('NO_SUCH_PATH')), 'unavailable'], [http('200 OK', '{"orders":[]}'), 'unavailable'], [http('500 Oops', absent), 'unavailable'],
    ];
    let next = '';
    const venue = adapterOf(await peer((socket) => socket.write(next)));
    for (const [text, kind] of table) {
      next = text;
      expect((await venue.query('acc', ORDER_ID)).kind).toBe(kind);
    }
  });
});
