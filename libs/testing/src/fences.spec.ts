import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';

const root = join(__dirname, '../../..');

interface Case {
  readonly file: string;
  readonly code: string;
  /** The rule that must fire; none means that the text must be clean. */
  readonly rule?: string;
  readonly typed?: boolean;
}

const GLOBALS = 'no-restricted-globals';
const SYNTAX = 'no-restricted-syntax';
const PROPERTIES = 'no-restricted-properties';
const IMPORTS = '@typescript-eslint/no-restricted-imports';
const BOUNDARIES = '@nx/enforce-module-boundaries';

const impure: readonly (readonly [code: string, rule: string])[] = [
  ['export const a = new Date();', SYNTAX],
  ['export const a = new Date(0);', SYNTAX],
  ['export const a = Date();', SYNTAX],
  ['export const a = Date.now();', SYNTAX],
  ["export const a = Date['now']();", SYNTAX],
  ['export const clock = Date;', SYNTAX],
  ['export const { now } = Date;', SYNTAX],
  ['export const a = [1].map(Date);', SYNTAX],
  ['export const a = globalThis.Date;', GLOBALS],
  ['setTimeout(() => 1, 1);', GLOBALS],
  ['setInterval(() => 1, 1);', GLOBALS],
  ['setImmediate(() => 1);', GLOBALS],
  ['queueMicrotask(() => 1);', GLOBALS],
  ['export const a = performance.now();', GLOBALS],
  ['export const a = process.env;', GLOBALS],
  ["export const a = fetch('http://localhost');", GLOBALS],
  ["export const a = require('node:fs');", GLOBALS],
  ['export const a = crypto.randomUUID();', GLOBALS],
  ['export const a = Math.random();', PROPERTIES],
  ['export const { random } = Math;', PROPERTIES],
  ["import { randomUUID } from 'node:crypto';\nexport const a = randomUUID();", IMPORTS],
  ["import * as c from 'node:crypto';\nexport const a = c.randomUUID();", IMPORTS],
  ["import { readFileSync } from 'node:fs';\nexport const a = readFileSync;", IMPORTS],
  ["import { readFile } from 'fs/promises';\nexport const a = readFile;", IMPORTS],
  ["import { connect } from 'node:net';\nexport const a = connect;", IMPORTS],
  ["import { get } from 'http';\nexport const a = get;", IMPORTS],
  ["import { spawn } from 'node:child_process';\nexport const a = spawn;", IMPORTS],
  ["import { Worker } from 'node:worker_threads';\nexport const a = Worker;", IMPORTS],
  ["import { setTimeout as wait } from 'node:timers/promises';\nexport const a = wait;", IMPORTS],
  ["import { connect } from 'nats';\nexport const a = connect;", IMPORTS],
  ["export { connect } from 'nats';", IMPORTS],
  ["import { EventStoreDBClient } from '@eventstore/db-client';\nexport const a = EventStoreDBClient;", IMPORTS],
  ["export const a = import('node:fs');", SYNTAX],
];

const deterministic = ['domain', 'calendars', 'contracts', 'event-sourcing', 'services'].map((name) => `libs/${name}/src/index.ts`);

const cases: readonly Case[] = [
  ...deterministic.flatMap((file) => impure.map(([code, rule]) => ({ file, code, rule }))),
  ...deterministic.map((file) => ({ file, code: 'export const at = (time: Date): number => time.getTime() - Date.UTC(2026, 0);' })),
  ...deterministic.map((file) => ({ file: file.replace('index.ts', 'index.spec.ts'), code: 'export const a = Date.now();' })),

  // The domain imports nothing but its own files and the decimal library.
  { file: 'libs/domain/src/index.ts', code: "import { createHash } from 'node:crypto';\nexport const a = createHash;", rule: IMPORTS },
  { file: 'libs/domain/src/index.ts', code: "import { z } from 'zod';\nexport const a = z;", rule: IMPORTS },
  { file: 'libs/domain/src/index.ts', code: "import type { Clock } from '@tallystick/ports';\nexport type A = Clock;", rule: IMPORTS },
  { file: 'libs/domain/src/index.ts', code: "import Big from 'big.js';\nexport const a = new Big(1);" },
  { file: 'libs/contracts/src/index.ts', code: "import { createHash } from 'node:crypto';\nexport const a = createHash;" },

  // The two drivers stay behind one library each.
  { file: 'libs/read-models/src/index.ts', code: "import { connect } from 'nats';\nexport const a = connect;", rule: IMPORTS },
  { file: 'libs/read-models/src/index.spec.ts', code: "import { connect } from 'nats';\nexport const a = connect;", rule: IMPORTS },
  { file: 'libs/host/src/index.ts', code: "export const a = await import('nats');", rule: SYNTAX },
  { file: 'apps/gateway/src/main.ts', code: "import { connect } from 'nats';\nexport const a = connect;", rule: IMPORTS },
  { file: 'apps/gateway/src/main.ts', code: "import { EventStoreDBClient } from '@eventstore/db-client';\nexport const a = EventStoreDBClient;", rule: IMPORTS },
  { file: 'apps/gateway/src/main.ts', code: "export const a = await import('@eventstore/db-client');", rule: SYNTAX },
  { file: 'apps/eventstore/src/main.ts', code: "import { EventStoreDBClient } from '@eventstore/db-client';\nexport const a = EventStoreDBClient;", rule: IMPORTS },
  { file: 'libs/messaging/src/index.ts', code: "import { connect } from 'nats';\nexport const a = connect;" },
  { file: 'libs/testing/src/index.ts', code: "import { connect } from 'nats';\nexport const a = connect;" },
  { file: 'libs/eventstore/src/index.ts', code: "import { EventStoreDBClient } from '@eventstore/db-client';\nexport const a = EventStoreDBClient;" },
  { file: 'libs/eventstore/src/index.spec.ts', code: "import { EventStoreDBClient } from '@eventstore/db-client';\nexport const a = EventStoreDBClient;" },
  { file: 'libs/eventstore-embedded/src/index.spec.ts', code: "import { EventStoreDBClient } from '@eventstore/db-client';\nexport const a = EventStoreDBClient;" },

  // Arrows point one way.
  { file: 'libs/ports/src/index.ts', code: "import * as a from '@tallystick/contracts';\nexport { a };", rule: BOUNDARIES },
  { file: 'libs/services/src/index.ts', code: "import * as a from '@tallystick/messaging';\nexport { a };", rule: BOUNDARIES },
  { file: 'libs/read-models/src/index.ts', code: "import * as a from '@tallystick/host';\nexport { a };", rule: BOUNDARIES },
  { file: 'libs/host/src/index.ts', code: "import * as a from '../../../apps/gateway/src/main.ts';\nexport { a };", rule: BOUNDARIES },
  { file: 'apps/gateway/src/main.ts', code: "import * as a from '../../tally/src/main.ts';\nexport { a };", rule: BOUNDARIES },
  { file: 'libs/services/src/index.ts', code: "import * as a from '../../contracts/src/index.ts';\nexport { a };", rule: BOUNDARIES },
  { file: 'libs/services/src/index.ts', code: "import * as a from '@tallystick/testing';\nexport { a };", rule: BOUNDARIES },
  { file: 'apps/gateway/src/main.ts', code: "import * as a from '@tallystick/testing';\nexport { a };", rule: BOUNDARIES },
  { file: 'libs/ports/src/index.spec.ts', code: "import * as a from '@tallystick/testing';\nexport { a };", rule: BOUNDARIES },
  { file: 'libs/services/src/index.spec.ts', code: "import * as a from '@tallystick/testing';\nexport { a };" },
  { file: 'apps/gateway/src/main.spec.ts', code: "import * as a from '@tallystick/testing';\nexport { a };" },
  { file: 'libs/services/src/index.ts', code: "import * as a from '@tallystick/contracts';\nexport { a };" },
  { file: 'apps/gateway/src/main.ts', code: "import * as a from '@tallystick/host';\nexport { a };" },

  // Mistakes that types reveal.
  { typed: true, file: 'libs/host/src/index.ts', code: 'const f = async (): Promise<number> => await Promise.resolve(1);\nf();', rule: '@typescript-eslint/no-floating-promises' },
  { typed: true, file: 'libs/host/src/index.ts', code: 'export const a = [1].forEach(async () => { await Promise.resolve(1); });', rule: '@typescript-eslint/no-misused-promises' },
  {
    typed: true,
    file: 'libs/host/src/index.ts',
    code: "export function a(x: 'b' | 'c'): number { switch (x) { case 'b': return 1; } return 2; }",
    rule: '@typescript-eslint/switch-exhaustiveness-check',
  },
  { file: 'libs/host/src/index.ts', code: 'export const a: any = 1;', rule: '@typescript-eslint/no-explicit-any' },
  { file: 'libs/host/src/index.ts', code: "import { A } from './a.ts';\nexport type B = A;", rule: '@typescript-eslint/consistent-type-imports' },
  { file: 'libs/host/src/index.ts', code: 'export function a(): void { try { a(); } catch {} }', rule: 'no-empty' },
];

describe('lint fences', () => {
  let fired: string[][] = [];

  beforeAll(() => {
    const child = spawnSync(process.execPath, [join(root, 'eslint/lint-text.mjs')], {
      cwd: root,
      input: JSON.stringify(cases),
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    if (child.status !== 0) throw new Error(child.stderr);
    fired = JSON.parse(child.stdout) as string[][];
  }, 120_000);

  it.each(cases.map((one, index) => ({ ...one, index, shown: one.code.replaceAll('\n', ' '), outcome: one.rule ?? 'nothing' })))('$outcome for $file: $shown', ({ index, rule }) => {
    if (rule === undefined) expect(fired[index]).toEqual([]);
    else expect(fired[index]).toContain(rule);
  });
});
