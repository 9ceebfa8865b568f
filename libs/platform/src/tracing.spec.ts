import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runInContext } from './context.ts';
import { startTracing } from './otel.ts';
import { seededIds, silentLog } from './testing.ts';
import { freshTraceparent, parseTraceparent } from './traceparent.ts';
import { currentTraceparent, inSpan, installTracing, startSpan } from './tracing.ts';

const PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe('traceparent', () => {
  it('is read and made as the specification says', () => {
    expect(parseTraceparent(PARENT)).toEqual({ traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', sampled: true });
    expect(parseTraceparent(freshTraceparent('0b7f3d2e-0000-4000-8000-000000000001'))).toMatchObject({ sampled: false });
  });

  it.each([undefined, '', 'x', PARENT.toUpperCase(), `${PARENT}-x`, `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`, `01${PARENT.slice(2)}`])(
    'is not %j',
    (text) => {
      expect(parseTraceparent(text)).toBeUndefined();
    },
  );
});

describe('spans while nothing records', () => {
  let uninstall: () => void;
  beforeEach(() => {
    uninstall = installTracing(undefined, seededIds('a'));
  });
  afterEach(() => uninstall());

  it('hand the parent on as it is', async () => {
    expect(await inSpan('x', {}, PARENT, () => Promise.resolve(currentTraceparent()))).toBe(PARENT);
    expect(await runInContext({ traceparent: PARENT }, () => inSpan('x', {}, undefined, (span) => Promise.resolve(span.traceparent)))).toBe(PARENT);
  });

  it('begin an unsampled trace where there is none, the same in a replay, and keep it for what follows', async () => {
    const run = () => inSpan('outer', {}, undefined, async (outer) => [outer.traceparent, await inSpan('inner', {}, undefined, (inner) => Promise.resolve(inner.traceparent))]);
    const [outer, inner] = await run();
    expect(parseTraceparent(outer)).toMatchObject({ sampled: false });
    expect(inner).toBe(outer);
    uninstall();
    uninstall = installTracing(undefined, seededIds('a'));
    expect((await run())[0]).toBe(outer);
  });

  it('pass a rejection on', async () => {
    await expect(inSpan('x', {}, PARENT, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  });
});

const tracingWith = (ratio: string) =>
  // Nothing listens there: these look at what is sampled, not at what is sent.
  startTracing({ service: 'risk', build: 'v1', env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', TALLY_TRACE_RATIO: ratio }, ids: seededIds('a'), log: silentLog });

describe('spans with an endpoint', () => {
  it('are sent over HTTP, a child in the trace of its parent', async () => {
    const bodies: string[] = [];
    const collector = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        bodies.push(Buffer.concat(chunks).toString());
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
    const here = (file: string): string => JSON.stringify(join(import.meta.dirname, file));
    // In a process of its own, because the exporter loads its transport in a way that Jest's module loader does not know.
    const script = `
      import { startTracing } from ${here('otel.ts')};
      import { inSpan } from ${here('tracing.ts')};
      const tracing = await startTracing({ service: 'risk', build: 'v1', env: process.env, ids: { unique: () => '' }, log: { write: console.error } });
      await inSpan('command risk.evaluate', { partition: 3 }, ${JSON.stringify(PARENT)}, async (span) => {
        span.setAttributes({ outcome: 'ack' });
        await inSpan('store append', {}, undefined, () => Promise.resolve());
      });
      await tracing.shutdown();`;
    try {
      await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, TALLY_TRACE_RATIO: '0' } });
      const spans = bodies.flatMap((body) => JSON.parse(body).resourceSpans[0].scopeSpans[0].spans as { name: string; traceId: string; spanId: string; parentSpanId: string }[]);
      const [outer, inner] = ['command risk.evaluate', 'store append'].map((name) => spans.find((span) => span.name === name));
      expect(outer).toMatchObject({ traceId: '4bf92f3577b34da6a3ce929d0e0e4736', parentSpanId: '00f067aa0ba902b7' });
      expect(inner).toMatchObject({ traceId: '4bf92f3577b34da6a3ce929d0e0e4736', parentSpanId: outer?.spanId });
      expect(bodies[0]).toContain('"service.name"');
    } finally {
      collector.closeAllConnections();
      await new Promise((resolve) => collector.close(resolve));
    }
  });

  it('are sampled by their trace id, not by a parent that records nothing', async () => {
    const tracing = await tracingWith('1');
    expect(tracing.recording).toBe(true);
    const span = startSpan('x', {}, PARENT.replace(/01$/, '00'));
    expect(parseTraceparent(span.traceparent)?.sampled).toBe(true);
    await tracing.shutdown();
    expect(startSpan('after', {}, PARENT).traceparent).toBe(PARENT);
  });

  it('are not sampled at ratio 0 unless their parent is', async () => {
    const tracing = await tracingWith('0');
    expect(parseTraceparent(startSpan('x').traceparent)?.sampled).toBe(false);
    expect(parseTraceparent(startSpan('x', {}, PARENT).traceparent)).toMatchObject({ sampled: true, traceId: '4bf92f3577b34da6a3ce929d0e0e4736' });
    await tracing.shutdown();
  });

  it('are not recorded without one', async () => {
    const tracing = await startTracing({ service: 'risk', build: 'v1', env: {}, ids: seededIds('a'), log: silentLog });
    expect(tracing.recording).toBe(false);
    await tracing.shutdown();
  });
});
