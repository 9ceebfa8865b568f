import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fs, { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allNumbers, openStore, write } from '../../test/log-fixture.ts';
import { Directories, MARK, MARK_BYTES, MARK_COPIES, fillStore, flipBit, logBytes, logFiles } from '../../test/store-files.ts';
import { backupStore } from './backup.ts';
import { checkStore } from './check.ts';
import { storeInfo } from './info.ts';
import { MANIFEST_FILE, readRestored } from './manifest.ts';
import { restoreStore } from './restore.ts';

const BY = { toolVersion: 'v0.0.0-test' };
const directories = new Directories();
afterEach(() => {
  jest.restoreAllMocks();
  directories.remove();
});

/** A store of `events` events, and a backup of it. */
async function backedUp(events: number): Promise<{ dir: string; backup: string }> {
  const dir = directories.fresh();
  await fillStore(dir, 0, events);
  const backup = directories.free();
  await backupStore(dir, backup, BY);
  return { dir, backup };
}

function numbersOf(dir: string): number[] {
  const store = openStore(dir);
  const numbers = allNumbers(store);
  store.close();
  return numbers;
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** What lies beside a directory under its name, such as `.partial`. */
function beside(dir: string): string[] {
  const name = dir.slice(dir.lastIndexOf('/') + 1);
  const found = readdirSync(join(dir, '..')).filter((other) => other.startsWith(`${name}.`));
  for (const other of found) if (other.includes('.replaced-')) directories.adopt(join(dir, '..', other));
  return found.map((other) => other.slice(name.length));
}

describe('a backup', () => {
  it('is the log byte for byte with a mark and a manifest, and for its owner only', async () => {
    const { dir, backup } = await backedUp(60);
    expect(logFiles(backup)).toEqual(logFiles(dir));
    expect(logBytes(backup).equals(logBytes(dir))).toBe(true);
    expect(readdirSync(backup).filter((name) => !name.endsWith('.log')).sort()).toEqual([MANIFEST_FILE, MARK]);
    expect(statSync(backup).mode & 0o777).toBe(0o700);
    const { chain } = await storeInfo(dir);
    expect(JSON.parse(readFileSync(join(backup, MANIFEST_FILE), 'utf8'))).toMatchObject({
      version: 1, position: 60, events: 60, bytes: logBytes(dir).length, chain, segments: logFiles(dir).length, tool_version: 'v0.0.0-test', made_at_ms: expect.any(Number),
    });
    expect((await checkStore(backup)).outcome).toBe('clean');
    expect(beside(backup)).toEqual([]);
  });

  it('ends at the mark, whatever lies behind it', async () => {
    const dir = directories.fresh();
    const store = openStore(dir);
    await write(store, 's', [0]);
    const synced = logBytes(dir);
    appendFileSync(join(dir, '00000001.log'), 'a write under way');
    const backup = directories.free();
    expect(await backupStore(dir, backup, BY)).toMatchObject({ manifest: { events: 1, bytes: synced.length } });
    expect(logBytes(backup).equals(synced)).toBe(true);
    store.close();
  });

  it('never overwrites, and makes no directories on the way', async () => {
    const { dir, backup } = await backedUp(3);
    await expect(backupStore(dir, backup, BY)).rejects.toMatchObject({ code: 'BACKUP_EXISTS' });
    const target = directories.free();
    mkdirSync(`${target}.partial`);
    writeFileSync(join(`${target}.partial`, '00000001.log'), 'of another backup');
    await expect(backupStore(dir, target, BY)).rejects.toMatchObject({ code: 'BACKUP_EXISTS', message: expect.stringContaining('.partial') });
    expect(readFileSync(join(`${target}.partial`, '00000001.log'), 'utf8')).toBe('of another backup');
    await expect(backupStore(dir, join(directories.free(), 'deep'), BY)).rejects.toMatchObject({ code: 'STORE_UNUSABLE', remedy: expect.stringContaining('mount') });
    await expect(backupStore(dir, join(dir, 'backup'), BY)).rejects.toMatchObject({ code: 'STORE_UNUSABLE', message: expect.stringContaining('in the store itself') });
    await expect(backupStore(directories.fresh(), directories.free(), BY)).rejects.toMatchObject({ code: 'NO_STORE' });
  });

  it('is not made of a damaged store, and nothing is left of it', async () => {
    const dir = directories.fresh();
    await fillStore(dir, 0, 60);
    const target = directories.free();
    const third = join(dir, logFiles(dir)[2]!);
    flipBit(third, 300);
    await expect(backupStore(dir, target, BY)).rejects.toMatchObject({ code: 'STORE_DAMAGED', message: expect.stringContaining(third) });
    flipBit(third, 300);
    rmSync(join(dir, MARK));
    await expect(backupStore(dir, target, BY)).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
    expect([existsSync(target), beside(target)]).toEqual([false, []]);
  });

  it('leaves nothing when it is ended or the disk is full, before it begins or on the way', async () => {
    const dir = directories.fresh();
    await fillStore(dir, 0, 60);
    const target = directories.free();
    const stop = new AbortController();
    await expect(backupStore(dir, target, { ...BY, signal: stop.signal, onProgress: () => stop.abort() })).rejects.toMatchObject({ code: 'INTERRUPTED' });
    const statfs = jest.spyOn(fs, 'statfsSync').mockReturnValue({ ...fs.statfsSync('/'), bavail: 1, bsize: 4096 } as never);
    await expect(backupStore(dir, target, BY)).rejects.toMatchObject({ code: 'DISK_FULL', message: expect.stringMatching(/it needs \d+ bytes and has 4096/) });
    statfs.mockRestore();
    const real = fs.writeSync;
    let writes = 0;
    jest.spyOn(fs, 'writeSync').mockImplementation(((...args: Parameters<typeof real>) => {
      if (++writes > 4) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      return real(...args);
    }) as typeof fs.writeSync);
    await expect(backupStore(dir, target, BY)).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect([existsSync(target), beside(target)]).toEqual([false, []]);
  });
});

describe('restoring a backup', () => {
  it('gives back every event where nothing was, and says in the directory that it did', async () => {
    const { dir, backup } = await backedUp(60);
    const to = join(directories.free(), 'new', 'store');
    directories.adopt(join(to, '..', '..'));
    const { restored } = await restoreStore(backup, to, BY);
    const marker = readRestored(to);
    expect(marker).toEqual(restored);
    expect(marker).toMatchObject({ version: 1, position: 60, backup, chain: (await storeInfo(dir)).chain, replaced: null, restored_at_ms: expect.any(Number) });
    expect(logBytes(to).equals(logBytes(dir))).toBe(true);
    expect((await checkStore(to)).outcome).toBe('clean');
    expect(numbersOf(to)).toEqual(upTo(60));
    await fillStore(to, 60, 70);
    expect(numbersOf(to)).toEqual(upTo(70));
  });

  it('takes an empty directory, follows a link to where the store lies, and refuses what is no store', async () => {
    const { backup } = await backedUp(5);
    const empty = directories.fresh();
    await restoreStore(backup, empty, BY);
    expect(numbersOf(empty)).toEqual(upTo(5));
    const far = directories.fresh();
    const link = directories.free();
    symlinkSync(far, link);
    await restoreStore(backup, link, BY);
    expect([numbersOf(far), fs.lstatSync(link).isSymbolicLink()]).toEqual([upTo(5), true]);
    const thesis = directories.fresh();
    writeFileSync(join(thesis, 'thesis.txt'), 'years of work');
    await expect(restoreStore(backup, thesis, { ...BY, replace: true, loseNewer: true })).rejects.toMatchObject({ code: 'STORE_EXISTS' });
    expect(readdirSync(thesis)).toEqual(['thesis.txt']);
  });

  it('finds any one bit flipped in any part of the backup, and touches nothing', async () => {
    const { backup } = await backedUp(4);
    const to = directories.free();
    const regions: [string, number, number][] = [
      ...logFiles(backup).map((name): [string, number, number] => [name, 0, readFileSync(join(backup, name)).length]),
      ...MARK_COPIES.map((at): [string, number, number] => [MARK, at, at + MARK_BYTES]),
      [MANIFEST_FILE, 0, readFileSync(join(backup, MANIFEST_FILE)).length],
    ];
    const manifest = readFileSync(join(backup, MANIFEST_FILE), 'utf8');
    for (const [name, from, until] of regions) {
      for (let at = from; at < until; at++) {
        flipBit(join(backup, name), at);
        const isSame = name === MANIFEST_FILE && saysTheSame(readFileSync(join(backup, name), 'utf8'), manifest);
        if (!isSame) await expect(restoreStore(backup, to, BY)).rejects.toMatchObject({ code: 'BACKUP_DAMAGED' });
        flipBit(join(backup, name), at);
      }
    }
    expect([existsSync(to), beside(to)]).toEqual([false, []]);
    await restoreStore(backup, to, BY);
  });

  it('refuses a backup that is torn, lacks a file, or that a server has been started on', async () => {
    const { backup } = await backedUp(60);
    const to = directories.free();
    const files = logFiles(backup);
    const torn = (file: string, bytes: (b: Buffer) => Buffer): string => directories.copy(backup, { file, bytes });
    const started = directories.copy(backup);
    await fillStore(started, 60, 61);
    const damagedOnes = [
      ...files.map((without) => directories.copy(backup, { without })), ...files.map((file) => torn(file, (b) => b.subarray(0, b.length - 1))), ...files.map((file) => torn(file, (b) => Buffer.concat([b, Buffer.from('x')]))),
      directories.copy(backup, { without: MARK }), torn(MANIFEST_FILE, (b) => b.subarray(0, b.length / 2)), torn(MANIFEST_FILE, () => Buffer.alloc(0)), started,
    ];
    for (const damaged of damagedOnes) await expect(restoreStore(damaged, to, BY)).rejects.toMatchObject({ code: 'BACKUP_DAMAGED' });
    await expect(restoreStore(directories.copy(backup, { without: MANIFEST_FILE }), to, BY)).rejects.toMatchObject({ code: 'NO_BACKUP' });
    await expect(restoreStore(directories.free(), to, BY)).rejects.toMatchObject({ code: 'NO_BACKUP' });
    expect([existsSync(to), beside(to)]).toEqual([false, []]);
  });

  it('moves what is there aside when asked to, and never deletes it', async () => {
    const { dir, backup } = await backedUp(10);
    const before = logBytes(dir);
    await expect(restoreStore(backup, dir, BY)).rejects.toMatchObject({ code: 'STORE_EXISTS', remedy: expect.stringContaining('--replace') });
    expect(beside(dir)).toEqual([]);
    const { restored } = await restoreStore(backup, dir, { ...BY, replace: true });
    expect(restored.replaced).toMatchObject({ relation: 'same', events: 10, newer_events: 0 });
    expect(beside(dir)).toEqual([expect.stringMatching(/^\.replaced-\d{8}T\d{9}Z$/)]);
    expect(logBytes(restored.replaced!.dir).equals(before)).toBe(true);
    expect(numbersOf(dir)).toEqual(upTo(10));
  });

  it('says by how many events the same log is longer, and wants to be told twice', async () => {
    const { dir, backup } = await backedUp(10);
    await fillStore(dir, 10, 17);
    const older = { code: 'BACKUP_OLDER', message: expect.stringContaining('with 7 events more than the backup: 17, and the backup 10'), remedy: expect.stringContaining('--replace --lose-newer') };
    await expect(restoreStore(backup, dir, BY)).rejects.toMatchObject(older);
    await expect(restoreStore(backup, dir, { ...BY, replace: true })).rejects.toMatchObject(older);
    await expect(restoreStore(backup, dir, { ...BY, loseNewer: true })).rejects.toMatchObject({ code: 'STORE_EXISTS' });
    expect(numbersOf(dir)).toEqual(upTo(17));
    const { restored } = await restoreStore(backup, dir, { ...BY, replace: true, loseNewer: true });
    expect(restored.replaced).toMatchObject({ relation: 'same', events: 17, newer_events: 7 });
    expect([beside(dir).length, numbersOf(dir), numbersOf(restored.replaced!.dir)]).toEqual([1, upTo(10), upTo(17)]);
  });

  it('counts what a damaged log has more by its mark, and what a loss of power left behind the mark', async () => {
    const { dir, backup } = await backedUp(30);
    const mark = readFileSync(join(dir, MARK));
    await fillStore(dir, 30, 35);
    const damaged = directories.copy(dir);
    flipBit(join(damaged, logFiles(dir)[1]!), 300);
    await expect(restoreStore(backup, damaged, { ...BY, replace: true })).rejects.toMatchObject({ code: 'BACKUP_OLDER', message: expect.stringContaining('with 5 events more') });
    const afterLoss = directories.copy(dir, { file: MARK, bytes: () => mark });
    await expect(restoreStore(backup, afterLoss, { ...BY, replace: true })).rejects.toMatchObject({ code: 'BACKUP_OLDER', message: expect.stringContaining('with 5 events more') });
    truncateSync(join(damaged, logFiles(damaged)[0]!), 10);
    await expect(restoreStore(backup, damaged, { ...BY, replace: true })).rejects.toMatchObject({ message: expect.stringContaining('with 5 events more') });
    rmSync(join(damaged, MARK));
    await expect(restoreStore(backup, damaged, { ...BY, replace: true })).rejects.toMatchObject({ code: 'BACKUP_OLDER', message: expect.stringContaining('it cannot be told') });
    await restoreStore(backup, damaged, { ...BY, replace: true, loseNewer: true });
    expect([beside(damaged).length, numbersOf(damaged)]).toEqual([1, upTo(30)]);
  });

  it('a shorter part of the same log is no loss', async () => {
    const { dir, backup: early } = await backedUp(10);
    await fillStore(dir, 10, 40);
    const late = directories.free();
    await backupStore(dir, late, BY);
    const to = directories.free();
    await restoreStore(early, to, BY);
    const { restored } = await restoreStore(late, to, { ...BY, replace: true });
    expect(restored.replaced).toMatchObject({ relation: 'same', events: 10, newer_events: 0 });
    expect([beside(to).length, numbersOf(to)]).toEqual([1, upTo(40)]);
  });

  it('refuses while a server has the directory', async () => {
    const { dir, backup } = await backedUp(10);
    const store = openStore(dir);
    await expect(restoreStore(backup, dir, { ...BY, replace: true, loseNewer: true })).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    expect(await storeInfo(dir)).toMatchObject({ running: true, pid: process.pid });
    store.close();
    expect(beside(dir)).toEqual([]);
  });

  it('leaves everything as it was when it is ended or the disk fails, until the last moment', async () => {
    const { dir, backup } = await backedUp(30);
    const again = { ...BY, replace: true };
    for (const after of [1, 4, 8]) {
      const stop = new AbortController();
      let steps = 0;
      await expect(restoreStore(backup, dir, { ...again, signal: stop.signal, onProgress: () => void (++steps === after && stop.abort()) })).rejects.toMatchObject({ code: 'INTERRUPTED' });
    }
    const real = fs.renameSync;
    jest.spyOn(fs, 'renameSync').mockImplementation((from, to) => {
      if (String(from).endsWith('.restoring')) throw Object.assign(new Error('EIO: i/o error, rename'), { code: 'EIO' });
      real(from, to);
    });
    await expect(restoreStore(backup, dir, again)).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
    jest.restoreAllMocks();
    expect([beside(dir), numbersOf(dir)]).toEqual([[], upTo(30)]);
    mkdirSync(`${dir}.restoring`);
    await expect(restoreStore(backup, dir, again)).rejects.toMatchObject({ code: 'STORE_EXISTS', message: expect.stringContaining('.restoring') });
  });
});

function saysTheSame(text: string, other: string): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === JSON.stringify(JSON.parse(other));
  } catch {
    return false;
  }
}
