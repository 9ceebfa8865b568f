import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { jsonEvent } from '@eventstore/db-client';
import { StalledDisk } from '../test/stalled-disk.ts';
import { Fixture, event, until } from '../test/support.ts';

let fixture: Fixture;
beforeEach(async () => {
  fixture = new Fixture();
  await fixture.start({ httpPort: 0 });
});
afterEach(() => fixture.remove());

const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${fixture.store.httpPort}${path}`);
const metrics = async (): Promise<string> => (await get('/metrics')).text();

async function sample(name: string): Promise<number> {
  const match = new RegExp(`^tally_store_${name} (\\S+)$`, 'm').exec(await metrics());
  return Number(match?.[1]);
}

describe('the metrics', () => {
  it('are all described, typed, named once, and nothing but that', async () => {
    const lines = (await metrics()).trimEnd().split('\n');
    const names = lines.filter((line) => line.startsWith('# TYPE ')).map((line) => line.split(' ')[2]!);
    expect(names).toEqual([
      'append_seconds', 'sync_seconds', 'group_appends', 'events_written_total', 'events_read_total', 'writes_refused_total', 'append_timeouts_total', 'access_denied_total',
      'damaged_reads_total', 'events', 'streams', 'log_bytes', 'log_segments', 'disk_refuses_writes', 'connections', 'calls_unauthenticated', 'subscriptions',
      'subscription_lag_events_max', 'subscription_lag_events_all', 'subscription_waiting_bytes', 'memory_bytes',
    ].map((name) => `tally_store_${name}`));
    for (const name of names) expect(lines.filter((line) => new RegExp(`^# HELP ${name} \\S.*\\.$`).test(line))).toHaveLength(1);
    for (const line of lines.filter((text) => !text.startsWith('#'))) {
      const [, name] = /^([a-z_]+?)(?:_bucket\{le="[^"]+"\}|_sum|_count)? -?[0-9.e+-]+$/.exec(line) ?? [];
      expect(names).toContain(name);
    }
  });

  it('say how appends, groups and syncs went', async () => {
    await fixture.client.appendToStream('a', [event(1), event(2)]);
    const disk = new StalledDisk();
    const appends = [fixture.client.appendToStream('b', event(1))];
    await until(() => disk.stalled > 0);
    // These wait for the disk together, and share the next sync.
    for (let n = 0; n < 5; n++) appends.push(fixture.client.appendToStream(`c${n}`, event(1)));
    // Refused without the disk, on the same call and behind them: so all of them have arrived.
    await expect(fixture.client.appendToStream('$all', event(1))).rejects.toMatchObject({ type: 'access-denied' });
    disk.go();
    await Promise.all(appends);
    const text = await metrics();
    const value = (name: string): number => Number(new RegExp(`^tally_store_${name} (\\S+)$`, 'm').exec(text)?.[1]);
    // The log's own first event is an append of its own.
    expect(value('append_seconds_count')).toBe(8);
    expect(value('append_seconds_sum')).toBeGreaterThan(0);
    expect(value('append_seconds_bucket{le="\\+Inf"}')).toBe(8);
    expect(value('group_appends_sum')).toBe(8);
    expect(value('group_appends_count')).toBe(value('sync_seconds_count'));
    expect(value('sync_seconds_count')).toBe(4);
    expect(value('sync_seconds_sum')).toBeGreaterThan(0);
    expect(value('events_written_total')).toBe(9);
    expect(value('events')).toBe(9);
    expect(value('streams')).toBeGreaterThanOrEqual(8);
    expect(value('log_segments')).toBe(1);
    expect(value('log_bytes')).toBeGreaterThan(1_000);
    expect(value('memory_bytes')).toBeGreaterThan(10_000_000);
    expect(value('connections')).toBe(1);
  });

  it('say how many subscriptions there are, and how far they are behind', async () => {
    const data = { pad: 'x'.repeat(10_000) };
    const quick = fixture.client.subscribeToAll();
    let seen = 0;
    quick.on('data', () => void seen++);
    // Nobody takes anything from this one.
    const stuck = fixture.client.subscribeToAll();
    await until(async () => (await sample('subscriptions')) === 2);
    for (let n = 0; n < 30; n++) await fixture.client.appendToStream('s', Array.from({ length: 20 }, () => jsonEvent({ type: 'T', data })));
    await until(() => seen >= 600);
    expect(await sample('subscription_lag_events_max')).toBeGreaterThan(100);
    expect(await sample('subscription_lag_events_all')).toBe(await sample('subscription_lag_events_max'));
    expect(await sample('subscription_waiting_bytes')).toBeGreaterThan(0);
    expect(await sample('events_read_total')).toBeGreaterThan(600);
    await stuck.unsubscribe();
    await until(async () => (await sample('subscriptions')) === 1);
    expect(await sample('subscription_lag_events_max')).toBe(0);
    await quick.unsubscribe();
  });
});

describe('the other pages', () => {
  it('say that it lives and that it can append', async () => {
    expect(await (await get('/healthz?from=somewhere')).json()).toEqual({ status: 'ok' });
    expect(await (await get('/readyz')).json()).toEqual({ status: 'ready' });
    expect((await get('/metrics')).headers.get('content-type')).toBe('text/plain; version=0.0.4');
    expect((await get('/elsewhere')).status).toBe(404);
  });

  it('say that it is stopping while appends are still being answered', async () => {
    const disk = new StalledDisk();
    const append = fixture.client.appendToStream('a', event(1)).catch(() => undefined);
    await until(() => disk.stalled > 0);
    const stopping = fixture.store.stop();
    const answer = await get('/readyz');
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ status: 'not_ready', reason: 'stopping' });
    disk.go();
    await append;
    await stopping;
  });
});
