import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { MarketError, unreadable } from '../source.ts';
import type { RowKind } from './rows.ts';
import { zipEntries } from './zip.ts';

export type Resolution = 'second' | 'minute' | 'tick';

/** One zip on disk: a symbol, a day, quotes or trades. */
export interface LeanFile {
  readonly path: string;
  readonly symbol: string;
  /** `YYYY-MM-DD`, local to the exchange. */
  readonly day: string;
  readonly kind: 'quote' | 'trade';
  /** Known from the folder; where the files lie flat, from the entry inside the zip. */
  readonly resolution?: Resolution;
}

/** Bars are what a laptop replays in seconds; ticks are taken when nothing else is there. */
const PREFERENCE: readonly Resolution[] = ['second', 'minute', 'tick'];
const FLAT_NAME = /^([a-z0-9.$-]+)_(\d{8})_(quote|trade)\.zip$/i;
const TREE_NAME = /^(\d{8})_(quote|trade)\.zip$/i;
const ENTRY_NAME = /_(second|minute|tick)_(quote|trade)\.csv$/i;
/** The ticks of the busiest symbol's busiest day stay under this; what is larger is not such a file. */
const UNPACKED_BYTES_MAX = 1 << 30;

const dayOf = (compact: string): string => `${compact.slice(0, 4)}-${compact.slice(4, 6)}-${compact.slice(6, 8)}`;
const kindOf = (name: string): 'quote' | 'trade' => (name.toLowerCase() === 'quote' ? 'quote' : 'trade');

const subfolders = (path: string): string[] =>
  readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name).sort();

const flatFiles = (dir: string): LeanFile[] =>
  readdirSync(dir).sort().flatMap((name) => {
    const match = FLAT_NAME.exec(name);
    if (!match) return [];
    const [, symbol = '', date = '', kind = ''] = match;
    return [{ path: join(dir, name), symbol: symbol.toUpperCase(), day: dayOf(date), kind: kindOf(kind) }];
  });

const treeFiles = (resolutionDir: string, resolution: Resolution): LeanFile[] =>
  subfolders(resolutionDir).flatMap((symbol) =>
    readdirSync(join(resolutionDir, symbol)).sort().flatMap((name) => {
      const match = TREE_NAME.exec(name);
      if (!match) return [];
      const [, date = '', kind = ''] = match;
      return [{ path: join(resolutionDir, symbol, name), symbol: symbol.toUpperCase(), day: dayOf(date), kind: kindOf(kind), resolution }];
    }));

/** LEAN's data folder, its `equity/usa` or one resolution's folder may be named. */
const treeOf = (dir: string, wanted: Resolution | undefined): LeanFile[] => {
  const named = PREFERENCE.find((resolution) => basename(dir) === resolution);
  if (named) return treeFiles(dir, named);
  const market = [join(dir, 'equity', 'usa'), join(dir, 'usa'), dir].find((path) => PREFERENCE.some((each) => existsSync(join(path, each))));
  if (!market) return [];
  for (const resolution of wanted ? [wanted] : PREFERENCE) {
    const path = join(market, resolution);
    const files = existsSync(path) ? treeFiles(path, resolution) : [];
    if (files.length > 0) return files;
  }
  return [];
};

/**
 * LEAN equity files under `dir`: zips lying flat (`<symbol>_<yyyymmdd>_quote.zip`) or LEAN's own tree. Refuses a folder that is
 * not there or has none (MARKET_DATA_MISSING).
 */
export const findLeanFiles = (dir: string, wanted?: Resolution): readonly LeanFile[] => {
  if (!existsSync(dir) || !statSync(dir).isDirectory()) throw new MarketError('MARKET_DATA_MISSING', `${dir}: no such folder`);
  const flat = flatFiles(dir);
  const files = flat.length > 0 ? flat : treeOf(dir, wanted);
  if (files.length === 0) {
    throw new MarketError('MARKET_DATA_MISSING',
      `${dir}: no LEAN equity files; expected <symbol>_<yyyymmdd>_quote.zip in it or equity/usa/{second,minute,tick}/<symbol>/<yyyymmdd>_quote.zip below it`);
  }
  return files;
};

export interface LeanText {
  /** For messages: zip and entry. */
  readonly name: string;
  readonly bytes: Buffer;
  readonly rows: RowKind;
  /** How long after its time a row is known. */
  readonly barMs: number;
}

const BAR_MS: Readonly<Record<Resolution, number>> = { second: 1_000, minute: 60_000, tick: 0 };

const onlyCsv = (path: string): { readonly name: string; readonly bytes: Buffer } => {
  try {
    const entries = zipEntries(readFileSync(path)).filter((entry) => entry.name.toLowerCase().endsWith('.csv'));
    const [entry, ...others] = entries;
    if (!entry || others.length > 0) throw new Error(`${entries.length} CSV files in it where one is expected`);
    return { name: entry.name, bytes: entry.read(UNPACKED_BYTES_MAX) };
  } catch (error) {
    throw unreadable(path, error instanceof Error ? error.message : String(error));
  }
};

/** Unpacks one file. Refuses what is no zip, has not exactly one CSV in it, or does not say its resolution (MARKET_DATA_UNREADABLE). */
export const unpack = (file: LeanFile): LeanText => {
  const { name, bytes } = onlyCsv(file.path);
  const resolution = file.resolution ?? PREFERENCE.find((each) => each === ENTRY_NAME.exec(name)?.[1]?.toLowerCase());
  if (!resolution) throw unreadable(`${file.path} (${name})`, 'the name does not say second, minute or tick');
  return {
    name: `${file.path} (${name})`,
    bytes,
    rows: `${file.kind}_${resolution === 'tick' ? 'tick' : 'bar'}`,
    barMs: BAR_MS[resolution],
  };
};

/** Names and sizes, not contents: a folder of thousands is not read to be told apart from another. */
export const fingerprintOf = (files: readonly LeanFile[]): string => {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file.symbol} ${file.day} ${file.kind} ${statSync(file.path).size}\n`);
  return hash.digest('hex').slice(0, 16);
};
