import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { read, ROOT } from './files.ts';

const conf = read('deploy/nats/nats.conf');

describe('deploy/nats/nats.conf', () => {
  it('syncs before it acknowledges, and takes what intents may have and no more', () => {
    expect(conf).toMatch(/^ {2}sync_interval: always$/m);
    expect(conf).toMatch(/^max_payload: 73728$/m);
  });

  it('is a configuration that nats-server takes', () => {
    const bin = spawnSync(process.execPath, [join(ROOT, 'scripts/nats-server.mjs')], { cwd: ROOT, encoding: 'utf8' }).stdout.trim();
    const [, minor = '0'] = /v2\.(\d+)/.exec(spawnSync(bin, ['--version'], { encoding: 'utf8' }).stdout) ?? [];
    const dir = mkdtempSync(join(tmpdir(), 'tally-nats-conf-'));
    try {
      // Servers before 2.10 do not know sync_interval, and say so: all the rest of the file is tried with them too.
      writeFileSync(join(dir, 'nats.conf'), Number(minor) >= 10 ? conf : conf.replace(/^.*sync_interval.*$/m, ''));
      const run = spawnSync(bin, ['-t', '-c', join(dir, 'nats.conf')], { encoding: 'utf8' });
      expect([run.status, run.status === 0 ? '' : run.stderr]).toEqual([0, '']);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
