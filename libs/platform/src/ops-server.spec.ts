import { afterEach, describe, expect, it } from '@jest/globals';
import { createHealth } from './health.ts';
import { createMetrics } from './metrics.ts';
import { startOpsServer } from './ops-server.ts';
import type { OpsServer } from './ops-server.ts';
import { systemPorts } from './system-ports.ts';
import { manualPorts, silentLog } from './testing.ts';

describe('the operations server', () => {
  let server: OpsServer | undefined;
  afterEach(() => server?.close());

  const start = async (storeIsUp: () => boolean): Promise<OpsServer> => {
    const health = createHealth(systemPorts().timers);
    health.register('event_loop', 'live', () => ({ ok: true }));
    health.register('store', 'ready', () => ({ ok: storeIsUp(), detail: 'subscription' }));
    server = await startOpsServer({ port: 0, registry: createMetrics({ definitions: [], processMetrics: false }), health: health.live, ready: health.ready, log: silentLog });
    return server;
  };

  it('tells alive from ready, and names what is not', async () => {
    let up = false;
    const { url } = await start(() => up);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const notReady = await fetch(`${url}/readyz`);
    expect(notReady.status).toBe(503);
    expect(await notReady.json()).toEqual({ ok: false, checks: { event_loop: { ok: true }, store: { ok: false, detail: 'subscription' } } });
    up = true;
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  it('serves metrics, and nothing else', async () => {
    const { url } = await start(() => true);
    const metrics = await fetch(`${url}/metrics`);
    expect(metrics.headers.get('content-type')).toContain('text/plain');
    expect(await metrics.text()).toContain('tally_metrics_dropped_total');
    expect((await fetch(`${url}/etc/passwd`)).status).toBe(404);
    expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(405);
    const head = await fetch(`${url}/metrics?x=1`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('rejects when the port is taken', async () => {
    const { port } = await start(() => true);
    await expect(startOpsServer({ port, registry: createMetrics({ definitions: [], processMetrics: false }), health: () => ({ ok: true, checks: {} }), ready: () => ({ ok: true, checks: {} }), log: silentLog })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

describe('a health check', () => {
  it('that hangs or throws has failed, without its words', async () => {
    const ports = manualPorts();
    const health = createHealth(ports.timers);
    health.register('hangs', 'live', () => new Promise(() => undefined));
    health.register('throws', 'live', () => { throw new TypeError('password=hunter2'); });
    const report = health.live();
    await ports.advance(1_000);
    expect(await report).toEqual({ ok: false, checks: { hangs: { ok: false, detail: 'no answer within 800 ms' }, throws: { ok: false, detail: 'TypeError' } } });
    expect(() => health.register('hangs', 'live', () => ({ ok: true }))).toThrow('twice');
  });
});
