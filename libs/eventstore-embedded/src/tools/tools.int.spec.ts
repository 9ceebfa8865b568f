import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { FORWARDS, NO_STREAM, START, jsonEvent } from '@eventstore/db-client';
import type { EventStoreDBClient } from '@eventstore/db-client';
import { Directories, fillStore, logBytes, logFiles } from '../../test/store-files.ts';
import { Fixture, append, event, until } from '../../test/support.ts';
import { backupStore, checkStore, restoreStore, storeInfo } from '../index.ts';
import type { BackupResult } from '../index.ts';

const BY = { toolVersion: 'v0.0.0-test' };
/** So small that a log of some thousand events has many, and a backup many pauses in which the server goes on. */
const SEGMENT_BYTES_MAX = 16 * 1024;

const directories = new Directories();
const fixtures: Fixture[] = [];
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.remove();
  directories.remove();
});

async function started(dataDir?: string): Promise<Fixture> {
  const fixture = new Fixture();
  fixtures.push(fixture);
  await fixture.start({ segmentBytesMax: SEGMENT_BYTES_MAX, ...(dataDir !== undefined && { dataDir }) });
  return fixture;
}

/** Appends to a stream of its own, each at its revision, until told to stop; gives how many were acknowledged. */
function startWriter(client: EventStoreDBClient, stream: string): { acknowledged: number; stop(): Promise<void> } {
  let stopping = false;
  const writer = { acknowledged: 0, stop: () => ((stopping = true), running) };
  const running = (async () => {
    while (!stopping) {
      const n = writer.acknowledged;
      await client.appendToStream(stream, jsonEvent({ type: 'Load', data: { stream, n, pad: 'x'.repeat(n % 400) }, metadata: { n } }), { expectedRevision: n === 0 ? NO_STREAM : BigInt(n - 1) });
      writer.acknowledged++;
    }
  })();
  return writer;
}

/** Everything a client can see of each event, in log order, up to `position`. */
async function everyEvent(client: EventStoreDBClient, position: number): Promise<unknown[]> {
  const seen: unknown[] = [];
  for await (const { event: found } of client.readAll({ direction: FORWARDS, fromPosition: START, maxCount: position })) {
    const { streamId, revision, id, type, data, metadata, created, position: at } = found!;
    seen.push([streamId, String(revision), id, type, data, metadata, String(created), String(at?.commit)]);
  }
  return seen;
}

describe('a backup under load', () => {
  it('has every event that was acknowledged before it, byte for byte, and what is restored from it goes on', async () => {
    const { client, dataDir } = await started();
    const writers = Array.from({ length: 8 }, (_, n) => startWriter(client, `load-${n}`));
    const acknowledged = (): number => writers.reduce((sum, { acknowledged: n }) => sum + n, 0);
    const backups: { before: number; after: number; result: BackupResult }[] = [];
    for (let n = 1; n <= 3; n++) {
      await until(() => acknowledged() > n * 500);
      const before = acknowledged();
      const result = await backupStore(dataDir, directories.free(), BY);
      directories.adopt(result.backup);
      backups.push({ before, after: acknowledged(), result });
      expect(await checkStore(dataDir)).toMatchObject({ outcome: 'clean', running: true });
    }
    await Promise.all(writers.map((writer) => writer.stop()));
    // They met: the server went on while the last one was being made.
    expect(backups[2]!.after).toBeGreaterThan(backups[2]!.before);
    const log = logBytes(dataDir);
    for (const { before, result: { backup, manifest } } of backups) {
      // The log's own first event is one more.
      expect(manifest.events).toBeGreaterThan(before);
      expect(logBytes(backup).equals(log.subarray(0, manifest.bytes))).toBe(true);
      const to = directories.free();
      directories.adopt(to);
      await restoreStore(backup, to, BY);
      const restored = await started(to);
      const events = await everyEvent(restored.client, manifest.events + 1);
      expect(events).toHaveLength(manifest.events);
      expect(events).toEqual(await everyEvent(client, manifest.position));
      const own = events.filter((seen) => Array.isArray(seen) && seen[0] === 'load-0').length;
      const next = await restored.client.appendToStream('load-0', event(1), { expectedRevision: BigInt(own - 1) });
      expect(next).toMatchObject({ nextExpectedRevision: BigInt(own), position: { commit: BigInt(manifest.position + 1) } });
      expect(await storeInfo(to)).toMatchObject({ running: true, events: manifest.events + 1, log_id: manifest.log_id });
    }
  });

  it('that is killed leaves only a .partial, which is no backup', async () => {
    const dir = directories.fresh();
    await fillStore(dir, 0, 60);
    const target = directories.free();
    const index = pathToFileURL(join(__dirname, '..', 'index.ts')).href;
    const program = `
      import { backupStore } from ${JSON.stringify(index)};
      let steps = 0;
      await backupStore(process.argv[1], process.argv[2], { toolVersion: 'v0', onProgress: () => ++steps === 4 && process.kill(process.pid, 'SIGKILL') });
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program, dir, target], { stdio: ['ignore', 'ignore', 'inherit'] });
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    expect([existsSync(target), existsSync(`${target}.partial`)]).toEqual([false, true]);
    expect(readdirSync(`${target}.partial`).length).toBeGreaterThan(0);
    await expect(restoreStore(`${target}.partial`, directories.free(), BY)).rejects.toMatchObject({ code: 'NO_BACKUP', remedy: expect.stringContaining('.partial') });
    expect(await checkStore(dir)).toMatchObject({ outcome: 'clean', running: false });
  });
});

describe('the log of a server', () => {
  it('is shown beside the server: who it is, when it began and ended, how far it is promised', async () => {
    const fixture = await started();
    const { client, dataDir } = fixture;
    const startedMs = Date.now();
    for (let n = 0; n < 5; n++) await append(client, 'unary', { stream: `s-${n % 2}`, expected: 'any', events: [event(n)] });
    const info = await storeInfo(dataDir);
    const { bytes } = info.high_water_mark;
    expect(info).toMatchObject({
      log_id: expect.stringMatching(/^[0-9a-f-]{36}$/), format_version: 1, segments: 1, events: 6, streams: 3, position: 6, bytes, problem: null,
      running: true, pid: process.pid, high_water_mark: { bytes, events: 6, chain: info.chain }, backup: null, restored: null,
    });
    expect(info.first_event_at_ms).toBeLessThanOrEqual(info.last_event_at_ms!);
    expect(info.last_event_at_ms).toBeGreaterThanOrEqual(startedMs);
    await fixture.stop();
    expect(logBytes(dataDir)).toHaveLength(bytes);
    expect(await storeInfo(dataDir)).toMatchObject({ running: false, pid: null, events: 6, log_id: info.log_id });
    expect(await checkStore(dataDir)).toMatchObject({ log_id: info.log_id, streams: 3, chain: info.chain });
  });

  it('of many segments is not counted by stream, and its last event is found behind a segment only begun', async () => {
    const { client, dataDir } = await started();
    await append(client, 'unary', { stream: 's', expected: 'any', events: [event(0)] });
    const writer = startWriter(client, 'load-0');
    await until(() => logFiles(dataDir).length > 2);
    await writer.stop();
    expect(await storeInfo(dataDir)).toMatchObject({ streams: null, segments: logFiles(dataDir).length, last_event_at_ms: expect.any(Number) });
  });

  it('is known from another one, and from itself gone another way', async () => {
    const first = await started();
    for (let n = 0; n < 4; n++) await append(first.client, 'unary', { stream: 's', expected: 'any', events: [event(n)] });
    const backup = directories.free();
    await backupStore(first.dataDir, backup, BY);
    await append(first.client, 'unary', { stream: 's', expected: 'any', events: [event(4), event(5)] });
    await first.stop();

    const other = await started();
    await append(other.client, 'unary', { stream: 's', expected: 'any', events: [event(0)] });
    const { log_id: otherId } = await storeInfo(other.dataDir);
    await other.stop();
    await expect(restoreStore(backup, other.dataDir, { ...BY, replace: true })).rejects.toMatchObject({ code: 'BACKUP_OLDER', message: expect.stringContaining(`another log, ${otherId}, of 2 events`) });

    // The same log restored elsewhere, with two events of its own since.
    const elsewhere = directories.free();
    await restoreStore(backup, elsewhere, BY);
    const second = await started(elsewhere);
    await append(second.client, 'unary', { stream: 'other-way', expected: 'any', events: [event(7)] });
    const parted = directories.free();
    await backupStore(elsewhere, parted, BY);
    await expect(restoreStore(parted, first.dataDir, { ...BY, replace: true })).rejects.toMatchObject({ code: 'BACKUP_OLDER', message: expect.stringContaining('2 of its 7 events are not in the backup') });
    const { restored } = await restoreStore(parted, first.dataDir, { ...BY, replace: true, loseNewer: true });
    directories.adopt(restored.replaced!.dir);
    expect(restored.replaced).toMatchObject({ relation: 'parted', events: 7, newer_events: 2 });
    await first.start();
    expect(await everyEvent(first.client, 100)).toEqual(await everyEvent(second.client, 100));
  });
});
