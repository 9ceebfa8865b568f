import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Store } from '../src/store/store.ts';
import type { WriteOutcome } from '../src/store/write-queue.ts';
import type { Expected } from '../src/store/decide.ts';
import { newDirectory } from './support.ts';

export interface Line {
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface OpenOptions {
  readonly segmentBytesMax?: number;
  /** Default 0: the file ends where the log does. */
  readonly aheadBytes?: number;
  readonly verifiedFirstBytes?: number;
  readonly lines?: Line[];
  readonly onFatal?: (error: Error) => void;
}

export function openStore(dataDir: string, options: OpenOptions = {}): Store {
  const { lines = [], aheadBytes = 0, segmentBytesMax, verifiedFirstBytes } = options;
  return new Store({
    dataDir,
    log: { write: (_level, event, fields = {}) => void lines.push({ event, fields }) },
    onFatal: options.onFatal ?? ((error) => {
      throw error;
    }),
    aheadBytes,
    ...(segmentBytesMax !== undefined && { segmentBytesMax }),
    ...(verifiedFirstBytes !== undefined && { verifiedFirstBytes }),
  });
}

export function write(store: Store, name: string, numbers: readonly number[], expected: Expected = { kind: 'any' }): Promise<WriteOutcome> {
  const events = numbers.map((n) => {
    const id = Buffer.alloc(16);
    id.writeUInt32BE(n, 12);
    return { id, type: Buffer.from('Happened'), json: true, data: Buffer.from(JSON.stringify({ n })), metadata: Buffer.alloc(0) };
  });
  return new Promise((done) => {
    store.submit({ kind: 'append', name: Buffer.from(name), expected, events, bytes: 100, queuedAtMs: 0, done });
  });
}

/** The numbers of all events of the log in order, read through verified records. */
export function allNumbers(store: Store): number[] {
  const numbers: number[] = [];
  for (let e = 0; e < store.index.visible; e++) {
    const record = store.reader.record(e);
    const view = record.event(e - record.firstEvent);
    numbers.push(view.buf.readUInt32BE(view.idAt + 12));
  }
  return numbers;
}

/** A copy as a kill would leave it: without the lock, optionally with one file changed and one left out. */
export function copyOf(dataDir: string, change: { file?: string; bytes?: (content: Buffer) => Buffer; without?: string } = {}): string {
  const copy = newDirectory();
  mkdirSync(copy, { recursive: true });
  for (const name of readdirSync(dataDir)) {
    if (name.startsWith('lock') || name === change.without) continue;
    if (name === change.file && change.bytes !== undefined) writeFileSync(join(copy, name), change.bytes(readFileSync(join(dataDir, name))));
    else copyFileSync(join(dataDir, name), join(copy, name));
  }
  return copy;
}
