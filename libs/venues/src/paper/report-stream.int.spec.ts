import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { RawReport } from '@tallystick/ports';
import { parseEvents } from '../sse-client.ts';
import type { ServerSentEvent } from '../sse-client.ts';
import { followReports } from './report-stream.ts';

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
});

const event = (sequence: number): string => `id: ${sequence}\nevent: report\ndata: ${JSON.stringify({ type: 'acknowledged', report_id: `acc-${sequence}`, sequence })}\n\n`;

/** A stream that behaves per connection as told; gives what the follower saw, and from where it asked. */
const follow = async (
  behave: (response: ServerResponse, nth: number, request: IncomingMessage) => void, until: number, handle: (report: RawReport) => Promise<void> = () => Promise.resolve(),
): Promise<{ readonly seen: readonly number[]; readonly asked: readonly string[]; readonly warnings: readonly unknown[] }> => {
  const asked: string[] = [];
  const seen: number[] = [];
  const warnings: unknown[] = [];
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    behave(response, asked.length, request);
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => {
    const stream = followReports({
      url: (after) => `http://127.0.0.1:${port}/${after}`, headers: { authorization: 'Bearer t' }, account: 'acc',
      timers: { sleep: () => new Promise((wake) => setImmediate(wake)) },
      log: { write: (_level, _event, fields) => warnings.push(fields?.['detail']) },
    }, 0, async (report) => {
      await handle(report);
      seen.push(report.sequence ?? 0);
      if (report.sequence === until) setImmediate(() => void stream.stop().then(resolve));
    });
  });
  return { seen, asked, warnings };
};

describe('following an account\'s reports', () => {
  it('begins again after the last one handled when the connection ends, cleanly or not', async () => {
    const { seen, asked } = await follow((response, nth) => {
      response.writeHead(200);
      if (nth === 1) response.end(event(1) + event(2));
      else if (nth === 2) response.write(event(3) + event(4).slice(0, 20), () => response.destroy());
      else response.write(event(4));
    }, 4);
    expect(seen).toEqual([1, 2, 3, 4]);
    expect(asked).toEqual(['/0', '/2', '/3']);
  });

  it('drops repeats, and asks again where one is missing', async () => {
    const { seen, asked, warnings } = await follow((response, nth) => {
      response.writeHead(200);
      response.write(nth === 1 ? event(1) + event(1) + event(3) : event(1) + event(2) + event(3));
    }, 3);
    expect(seen).toEqual([1, 2, 3]);
    expect(asked).toEqual(['/0', '/1']);
    expect(warnings).toEqual(['report 3 after 1']);
  });

  it('waits out refusals, other answers and what is no report, and skips nothing', async () => {
    const { seen, asked } = await follow((response, nth) => {
      if (nth === 1) response.writeHead(503).end();
      else if (nth === 2) response.writeHead(200).end('data: {"sequence":"one"}\n\n');
      else if (nth === 3) response.destroy();
      else response.writeHead(200).write(`: alive\n\n${event(1)}`);
    }, 1);
    expect(seen).toEqual([1]);
    expect(asked).toEqual(['/0', '/0', '/0', '/0']);
  });

  it('hands a report over again when its handler failed, and not the one after it before', async () => {
    let failures = 0;
    const { seen } = await follow((response) => response.writeHead(200).write(event(1) + event(2)), 2, () => {
      failures += 1;
      return failures === 1 ? Promise.reject(new Error('the store is away')) : Promise.resolve();
    });
    expect(seen).toEqual([1, 2]);
  });
});

describe('an event stream', () => {
  const parse = async (chunks: readonly string[]): Promise<ServerSentEvent[]> => {
    const events: ServerSentEvent[] = [];
    const source = async function* (): AsyncGenerator<string> {
      for (const chunk of chunks) yield await Promise.resolve(chunk);
    };
    for await (const each of parseEvents(source())) events.push(each);
    return events;
  };

  it('is split into events wherever its chunks are cut, without comments and half events', async () => {
    const text = `: connected\nretry: 1000\n\n${event(1)}: alive\n\n${event(2).replaceAll('\n', '\r\n')}id: 3\ndata: cut`;
    for (const size of [1, 2, 7, 1000]) {
      const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, index) => text.slice(index * size, (index + 1) * size));
      expect((await parse(chunks)).map(({ id, event: name }) => [id, name])).toEqual([['1', 'report'], ['2', 'report']]);
    }
  });
});
