import type { EventStore, RecordedEvent, Timers } from '@tallystick/ports';
import { FOLDED_PREFIXES, Projection } from '../project/projection.ts';
import { NOWHERE, ReadModelFile, removeFile } from '../store/database.ts';
import { ChainCheck } from './chain.ts';
import { compareFiles, type Difference, type TableComparison } from './compare.ts';

export interface VerifyOptions {
  /** The live file; another process may go on folding into it meanwhile. */
  readonly path: string;
  /** Where to fold again; removed afterwards. */
  readonly scratchPath: string;
  readonly store: EventStore;
  readonly timers: Timers;
  /** Without an event for so long the store counts as unreadable. */
  readonly silentMsMax?: number;
  readonly onProgress?: (progress: { readonly events: number; readonly position: bigint; readonly until: bigint }) => void;
}

interface Rebuilt {
  readonly position: string;
  readonly events: number;
  readonly duration_ms: number;
}

export type VerifyResult =
  | (Rebuilt & { readonly outcome: 'same'; readonly tables: readonly TableComparison[] })
  | (Rebuilt & { readonly outcome: 'different'; readonly detail: string; readonly tables: readonly TableComparison[]; readonly first?: Difference })
  /** The log or the read model cannot be read; nothing is said about whether they agree. */
  | { readonly outcome: 'unreadable'; readonly code: 'READ_MODEL_UNREADABLE' | 'STORE_UNREADABLE' | 'EVENT_UNREADABLE' | 'CHAIN_BROKEN'; readonly detail: string };

type Unreadable = Extract<VerifyResult, { outcome: 'unreadable' }>;

/** A disk or a server that says nothing for half a minute will not finish this. */
const SILENT_MS_MAX = 30_000;
const BATCH_EVENTS_MAX = 500;

const unreadable = (code: Unreadable['code'], detail: string): Unreadable => ({ outcome: 'unreadable', code, detail });

/** Folds the log from its start up to `until` into `file`. */
const refold = async (file: ReadModelFile, until: bigint, { store, timers, silentMsMax = SILENT_MS_MAX, onProgress }: VerifyOptions): Promise<Unreadable | undefined> => {
  const projection = new Projection(file);
  const chain = new ChainCheck();
  let batch: RecordedEvent[] = [];
  let heard = 0;
  let broken: string | undefined;
  let finish: (error?: unknown) => void = () => undefined;
  const finished = new Promise<unknown>((resolve) => (finish = resolve));
  const reach = (position: bigint): void => {
    projection.apply(batch, position < until ? position : until);
    batch = [];
    onProgress?.({ events: file.events(), position: file.position(), until });
    if (position >= until) finish();
  };
  const subscription = store.subscribeAll({
    name: 'verify', after: 'start', streamPrefixes: FOLDED_PREFIXES, onFailed: finish,
    onEvent: (event) => {
      heard += 1;
      if (event.position > until) return reach(until);
      broken ??= chain.follow(event);
      batch.push(event);
      if (batch.length >= BATCH_EVENTS_MAX || event.position === until) reach(event.position);
    },
    onCheckpoint: (position) => {
      heard += 1;
      reach(position);
    },
    // Everything up to the head was handed over, and the head is not before `until`.
    onCaughtUp: () => reach(until),
  });
  const done = new AbortController();
  const silence = (async (): Promise<string> => {
    for (let before = -1; before !== heard && !done.signal.aborted; ) {
      before = heard;
      await timers.sleep(silentMsMax, 'verify hears nothing', done.signal);
    }
    return `the store sent nothing for ${silentMsMax} ms`;
  })();
  const ended = await Promise.race([finished.then((error) => ({ error })), silence.then((error) => ({ error }))]);
  done.abort();
  await subscription.stop();
  if (ended.error !== undefined) return unreadable('STORE_UNREADABLE', ended.error instanceof Error ? ended.error.message : String(ended.error));
  return broken === undefined ? undefined : unreadable('CHAIN_BROKEN', broken);
};

const compared = (live: ReadModelFile, rebuilt: ReadModelFile, durationMs: number): VerifyResult => {
  const bad = rebuilt.get("SELECT detail FROM anomalies WHERE source = 'log' ORDER BY position LIMIT 1");
  if (bad) return unreadable('EVENT_UNREADABLE', String(bad['detail']));
  const { tables, first } = compareFiles(live, rebuilt);
  const facts = { position: live.position().toString(), events: rebuilt.events(), duration_ms: Math.round(durationMs), tables };
  if (first) return { outcome: 'different', detail: `table ${first.table} differs`, ...facts, first };
  if (live.events() !== rebuilt.events()) return { outcome: 'different', detail: `${live.events()} events were folded, the log has ${rebuilt.events()}`, ...facts };
  return { outcome: 'same', ...facts };
};

/**
 * Folds the log again from nothing up to the position the live file is at, and compares every table byte for byte. Checks on the way that
 * every event carries the hash of the one before it. Writes nothing but its scratch file.
 */
export const verifyReadModel = async (options: VerifyOptions): Promise<VerifyResult> => {
  let live: ReadModelFile;
  try {
    live = ReadModelFile.openToRead(options.path);
  } catch (error) {
    return unreadable('READ_MODEL_UNREADABLE', `${options.path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  removeFile(options.scratchPath);
  const rebuilt = ReadModelFile.openToFold(options.scratchPath);
  try {
    const startedMs = performance.now();
    return await live.snapshotWhile(async () => {
      const until = live.position();
      const head = await options.store.head();
      if (!head.ok) return unreadable('STORE_UNREADABLE', head.detail);
      if ((head.position ?? NOWHERE) < until) {
        return { outcome: 'different', detail: `the log ends at ${head.position ?? 'nothing'}, before the read model's ${until}: it is another log, or an older copy of it`, position: until.toString(), events: 0, duration_ms: 0, tables: [] };
      }
      const fault = until === NOWHERE ? undefined : await refold(rebuilt, until, options);
      return fault ?? compared(live, rebuilt, performance.now() - startedMs);
    });
  } catch (error) {
    return unreadable('READ_MODEL_UNREADABLE', error instanceof Error ? error.message : String(error));
  } finally {
    live.close();
    rebuilt.close();
    removeFile(options.scratchPath);
  }
};
