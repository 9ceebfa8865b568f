import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveChannel } from './channel.ts';

/**
 * A venue that answers as the paper venue does, over its protocol, without a book or a match: a market order is acknowledged and
 * filled in the answer and on the report stream, a limit order rests. So that what is measured is ours, not a matching engine. It notes
 * when each order arrived, and takes traces like a collector would.
 */

interface Account {
  sequence: number;
  readonly streams: Set<ServerResponse>;
}

const HEARTBEAT_MS = 2_000;
const PRICE = '100.01';

const accounts = new Map<string, Account>();
let arrivals: [string, string][] = [];
let orders = 0;

const accountOf = (name: string): Account => {
  const found = accounts.get(name) ?? { sequence: 0, streams: new Set() };
  accounts.set(name, found);
  return found;
};

const textOf = async (request: IncomingMessage): Promise<string> => {
  let text = '';
  request.setEncoding('utf8');
  for await (const chunk of request as AsyncIterable<string>) text += chunk;
  return text;
};

const json = (response: ServerResponse, status: number, body: object): void => {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text);
};

const place = (body: string, response: ServerResponse): void => {
  // Before anything else: this is the instant the measure ends at.
  const arrivedNs = process.hrtime.bigint();
  const order = JSON.parse(body) as Readonly<Record<'client_order_id' | 'account' | 'symbol' | 'side' | 'qty' | 'order_type', string>>;
  const { client_order_id, account: name, symbol, side, qty } = order;
  arrivals.push([client_order_id, arrivedNs.toString()]);
  const account = accountOf(name);
  orders += 1;
  const time_ms = Date.now();
  const venue_order_id = `v${orders}`;
  const report = (type: string, more: object): object => {
    account.sequence += 1;
    return { report_id: `${name}-${account.sequence}`, sequence: account.sequence, type, account: name, client_order_id, venue_order_id, symbol, side, time_ms, ...more };
  };
  const reports = [report('acknowledged', {})];
  if (order.order_type === 'market') {
    reports.push(report('filled', { exec_id: `e${orders}`, qty, price: PRICE, fee: '0.35', fee_currency: 'USD', cum_qty: qty, leaves_qty: '0' }));
  }
  json(response, 201, { report_id: `${name}-${account.sequence}`, account: name, client_order_id, venue_order_id, order_status: 'open', time_ms, reports });
  const events = reports.map((one) => `id: ${account.sequence}\nevent: report\ndata: ${JSON.stringify(one)}\n\n`).join('');
  for (const stream of account.streams) stream.write(events);
};

const follow = (account: Account, response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write(': connected\n\n');
  account.streams.add(response);
  response.on('close', () => account.streams.delete(response));
};

const server = createServer((request, response) => {
  const path = (request.url ?? '/').split('?')[0] ?? '/';
  const account = /^\/v1\/accounts\/([^/]+)(\/reports)?$/.exec(path);
  if (request.method === 'POST') {
    void textOf(request).then((body) => {
      if (path === '/v1/orders') place(body, response);
      // Traces and whatever else is posted: taken and forgotten.
      else json(response, 200, {});
    });
  } else if (account?.[2] !== undefined) follow(accountOf(account[1] ?? ''), response);
  else if (account) {
    const name = account[1] ?? '';
    json(response, 200, { account: name, currency: 'USD', cash: '1000000000', positions: [], report_sequence: accountOf(name).sequence, time_ms: Date.now() });
  } else json(response, 404, { code: 'NOT_FOUND', detail: path });
});

const heartbeat = setInterval(() => {
  for (const { streams } of accounts.values()) for (const stream of streams) stream.write(': alive\n\n');
}, HEARTBEAT_MS);

server.listen(0, '127.0.0.1', () => {
  serveChannel({ port: (server.address() as AddressInfo).port }, {
    arrivals: () => {
      const taken = arrivals;
      arrivals = [];
      return taken;
    },
  }, () => {
    clearInterval(heartbeat);
    server.closeAllConnections();
    return Promise.resolve();
  });
});
