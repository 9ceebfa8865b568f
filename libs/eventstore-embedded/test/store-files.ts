import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyOf, openStore, write } from './log-fixture.ts';
import { newDirectory } from './support.ts';

/** Directories of one test file, removed after each test. */
export class Directories {
  private readonly made: string[] = [];

  fresh(): string {
    const dir = newDirectory();
    this.made.push(dir);
    return dir;
  }

  /** A path where nothing is. */
  free(): string {
    const dir = this.fresh();
    rmSync(dir, { recursive: true });
    return dir;
  }

  copy(...args: Parameters<typeof copyOf>): string {
    const dir = copyOf(...args);
    this.made.push(dir);
    return dir;
  }

  /** One that the test made elsewhere. */
  adopt(dir: string): void {
    this.made.push(dir);
  }

  remove(): void {
    for (const dir of this.made.splice(0)) for (const path of [dir, `${dir}.partial`, `${dir}.restoring`]) rmSync(path, { recursive: true, force: true });
  }
}

/** Appends of one event each, `from` up to `to`, to three streams; as a clean stop leaves the directory. */
export async function fillStore(dir: string, from: number, to: number, segmentBytesMax = 1_000): Promise<void> {
  const store = openStore(dir, { segmentBytesMax });
  for (let n = from; n < to; n++) await write(store, `s${n % 3}`, [n]);
  store.close();
}

export function logFiles(dir: string): string[] {
  return readdirSync(dir).filter((name) => name.endsWith('.log')).sort();
}

/** The whole log: its files one after another. */
export function logBytes(dir: string): Buffer {
  return Buffer.concat(logFiles(dir).map((name) => readFileSync(join(dir, name))));
}

export function flipBit(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = bytes[at]! ^ (1 << at % 8);
  writeFileSync(path, bytes);
}

export const MARK = 'high-water-mark';
/** What a mark says; the rest of its file is unused. */
export const MARK_BYTES = 36;
export const MARK_COPIES = [0, 4096];
