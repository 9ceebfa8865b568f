import { beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseMarket, emptyDataDir, lockDataDir, prepareDataDir, rememberMarket } from './data-dir.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'standalone-data-'));
});
const json = (name: string): unknown => JSON.parse(readFileSync(join(dir, name), 'utf8'));

describe('the data directory', () => {
  it('has one owner at a time, named to whoever comes second, and is free again afterwards', () => {
    const unlock = lockDataDir(dir);
    writeFileSync(join(dir, 'run.json'), JSON.stringify({ pid: 4711 }));
    expect(() => lockDataDir(dir)).toThrow(`${dir} is in use by another start (process 4711): stop that one, or choose another directory with --data`);
    unlock();
    lockDataDir(dir)();
  });

  it('is refused in one line where it cannot be made', () => {
    writeFileSync(join(dir, 'file'), '');
    expect(() => lockDataDir(join(dir, 'file', 'data'))).toThrow(/cannot be used as data directory .*: choose another with --data$/);
  });

  it('gets its secrets once, for its owner only, and gives the gateway hashes and never a token', () => {
    const first = prepareDataDir(dir);
    expect(first.isNew).toBe(true);
    expect(prepareDataDir(dir).secrets).toEqual(first.secrets);
    for (const name of ['secrets.json', 'tokens.json', 'venue-tokens.json']) expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600);
    expect(json('tokens.json')).toEqual({ version: 1, tokens: [
      { name: 'demo-operator', sha256: createHash('sha256').update(first.secrets.operator_token).digest('hex'), scopes: ['read', 'propose', 'reduce', 'operate'] },
      { name: 'demo-second-operator', sha256: createHash('sha256').update(first.secrets.second_operator_token ?? '').digest('hex'), scopes: ['read', 'reduce', 'operate'] },
      { name: 'demo-viewer', sha256: createHash('sha256').update(first.secrets.viewer_token).digest('hex'), scopes: ['read'] },
    ] });
    const all = [first.secrets.operator_token, first.secrets.second_operator_token, first.secrets.viewer_token, first.secrets.control_token, ...Object.values(first.secrets.venue_tokens)];
    expect(new Set(all).size).toBe(6);
  });

  it('is no longer new once something was up in it', () => {
    prepareDataDir(dir);
    expect(prepareDataDir(dir).isNew).toBe(true);
    writeFileSync(join(dir, 'operator.json'), '{}');
    expect(prepareDataDir(dir).isNew).toBe(false);
  });

  it('is emptied of what a start made and of nothing else', () => {
    prepareDataDir(dir);
    mkdirSync(join(dir, 'store'));
    writeFileSync(join(dir, 'store', '00000001.log'), 'events');
    writeFileSync(join(dir, 'thesis.txt'), 'years of work');
    emptyDataDir(dir);
    expect(['secrets.json', 'tokens.json', 'store'].filter((name) => existsSync(join(dir, name)))).toEqual([]);
    expect(readFileSync(join(dir, 'thesis.txt'), 'utf8')).toBe('years of work');
  });

  it('refuses secrets that are damaged instead of making others', () => {
    writeFileSync(join(dir, 'secrets.json'), '{"version":1');
    expect(() => prepareDataDir(dir)).toThrow(/secrets\.json cannot be read .*--fresh/);
  });

  it('goes on with the market of last time, unless another one is asked for', () => {
    expect(chooseMarket(dir, {})).toEqual({ market: 'simulated' });
    const chosen = chooseMarket(dir, { market: 'lean:/days', day: '2013-10-08' });
    expect(chooseMarket(dir, {})).toEqual({ market: 'simulated' });
    rememberMarket(dir, chosen);
    expect(chooseMarket(dir, {})).toEqual({ market: 'lean:/days', day: '2013-10-08' });
    expect(chooseMarket(dir, { market: 'simulated', seed: '7' })).toEqual({ market: 'simulated', seed: '7' });
  });
});
