import { resolve } from 'node:path';
import type { StoreAcceptedV1 } from '@tallystick/contracts';
import type * as EmbeddedStore from '@tallystick/eventstore-embedded';
import type { CheckResult, RestoreResult, StoreInfo, StoreProgress, WorkOptions } from '@tallystick/eventstore-embedded';
import type { Command } from 'commander';
import type { Context, Run } from '../context.ts';
import { CliError, EXIT, usage } from '../errors.ts';
import { grouped, timeText } from '../output.ts';

interface DirFlags {
  readonly dir?: string;
}

interface RestoreFlags extends DirFlags {
  readonly replace?: boolean;
  readonly loseNewer?: boolean;
}

/** A line a second is progress; more is noise. */
const PROGRESS_MS = 1_000;
const MEBIBYTE = 1024 * 1024;

/** What the path, and not the store, is to blame for. */
const USAGE_CODES: readonly string[] = ['NO_STORE', 'NO_BACKUP', 'STORE_UNUSABLE'];

const storeDir = ({ settings, around }: Context, flags: DirFlags): string => {
  const dir = flags.dir ?? settings.storeDir;
  if (dir === undefined || dir === '') throw usage('it is not known where the event store is', 'add --dir, set TALLY_STORE_DATA_DIR, or name the data directory of a system with --data');
  return resolve(around.cwd, dir);
};

const size = (bytes: number): string => `${grouped(bytes)} bytes${bytes < MEBIBYTE ? '' : ` (${(bytes / MEBIBYTE).toFixed(1)} MiB)`}`;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const workOptions = ({ around, out }: Context, verb: string): WorkOptions => {
  let saidMs = around.nowMs();
  return {
    signal: around.interrupted,
    onProgress: ({ bytes, bytesTotal }: StoreProgress) => {
      if (around.nowMs() - saidMs < PROGRESS_MS) return;
      saidMs = around.nowMs();
      out.note(`${verb}: ${size(bytes)} of ${size(bytesTotal)}`);
    },
  };
};

/** Loaded here: no other command needs the store, and each would wait for it to load. */
const withStore = async <T>(work: (store: typeof EmbeddedStore) => Promise<T>): Promise<T> => {
  const store = await import('@tallystick/eventstore-embedded');
  try {
    return await work(store);
  } catch (error) {
    if (!(error instanceof store.StoreError)) throw error;
    throw new CliError({ code: error.code, message: error.message, fix: error.remedy, exit: USAGE_CODES.includes(error.code) ? EXIT.usage : EXIT.failed });
  }
};

const toolVersion = async ({ around }: Context): Promise<string> => (await import('@tallystick/platform')).buildId(around.env);

const runningText = ({ running, pid }: Pick<StoreInfo, 'running' | 'pid'>): string =>
  running === null ? 'not known on this system' : running ? `yes${pid === null ? '' : `, process ${pid}`}` : 'no';

const showInfo = ({ out }: Context, info: StoreInfo): void => {
  const { backup, restored } = info;
  out.facts([
    ['directory', info.dir], ['log', info.log_id ?? 'without id'], ['format', String(info.format_version)],
    ['events', grouped(info.events)], ['streams', info.streams === null ? 'tally store check counts them' : grouped(info.streams)], ['segments', grouped(info.segments)],
    ['bytes', `${size(info.bytes)}, all files ${size(info.disk_bytes)}`],
    ['first event', timeText(info.first_event_at_ms ?? undefined)], ['last event', timeText(info.last_event_at_ms ?? undefined)],
    ['last position', grouped(info.position)], ['chain', info.chain],
    ['high-water mark', `${grouped(info.high_water_mark.events)} events, ${grouped(info.high_water_mark.bytes)} bytes`],
    ['server running', runningText(info)],
    ['backup', backup === null ? undefined : `made ${timeText(backup.made_at_ms)} by ${backup.tool_version}`],
    ['restored', restored === null ? undefined : `${timeText(restored.restored_at_ms)} at position ${restored.position}, from ${restored.backup}`],
    ['damage', info.problem === null ? undefined : { text: `${info.problem}: tally store check says more`, tone: 'bad' }],
  ]);
};

const info = (context: Context, flags: DirFlags): Promise<void> =>
  withStore(async ({ storeInfo }) => {
    const found = await storeInfo(storeDir(context, flags), workOptions(context, 'read'));
    if (context.out.json) context.out.data(found);
    else showInfo(context, found);
  });

const showCheck = ({ out }: Context, result: CheckResult): void => {
  for (const { file, byte, what, remedy } of result.findings) {
    out.line(`${out.paint('damaged', 'bad')}: ${file} at byte ${byte}: ${what}`);
    out.line(`  fix: ${remedy}`);
  }
  const whole = `${grouped(result.events)} events in ${grouped(result.records)} records, ${grouped(result.streams)} streams, ${grouped(result.segments)} segments, ${size(result.bytes)}`;
  out.line(result.outcome === 'clean' ? `${out.paint('clean', 'good')}: ${whole}` : `whole: ${whole}${result.position === null ? '' : `, of ${grouped(result.position)} events that were promised`}`);
  const { tail } = result;
  if (tail !== null && tail.events > 0) out.line(`behind the high-water mark: ${grouped(tail.events)} events, whole: a start keeps them`);
  if (tail !== null && tail.cut_bytes > 0) out.line(`behind the high-water mark: ${grouped(tail.cut_bytes)} bytes that were never synced, which a start cuts (${tail.cut_because})`);
  const end = result.position === null ? '' : `up to position ${grouped(result.position)}, chain ${result.chain}`;
  out.note(`${end}${result.running === true ? ', as it stood when the check began: a server runs' : ''}, in ${seconds(result.duration_ms)}`);
};

const check = (context: Context, flags: DirFlags): Promise<void> =>
  withStore(async ({ checkStore }) => {
    const result = await checkStore(storeDir(context, flags), workOptions(context, 'checked'));
    context.exit = result.outcome === 'clean' ? EXIT.ok : EXIT.failed;
    if (context.out.json) context.out.data(result);
    else showCheck(context, result);
  });

const backup = (context: Context, to: string | undefined, flags: DirFlags): Promise<void> =>
  withStore(async ({ backupStore }) => {
    const { out, around } = context;
    if (to === undefined) throw usage('name the directory of the backup');
    const result = await backupStore(storeDir(context, flags), resolve(around.cwd, to), { ...workOptions(context, 'copied'), toolVersion: await toolVersion(context) });
    if (out.json) return out.data(result);
    const { manifest, behind_mark_bytes: behind } = result;
    out.line(`${out.paint('backed up', 'good')}: ${grouped(manifest.events)} events, ${size(manifest.bytes)}, to ${result.backup}`);
    out.note(`log ${manifest.log_id ?? 'without id'} up to position ${grouped(manifest.position)}, chain ${manifest.chain}, in ${seconds(result.duration_ms)}; keep keys/ with it`);
    if (behind !== null && behind > 0) out.complain(`${grouped(behind)} bytes behind the high-water mark are not in it: start the store once, which keeps what is whole of them, and back it up again`);
  });

const showRestore = ({ out }: Context, { dir, events, bytes, restored }: RestoreResult): void => {
  const { replaced } = restored;
  out.line(`${out.paint('restored', 'good')}: ${grouped(events)} events, ${size(bytes)}, to ${dir}`);
  if (replaced !== null) out.line(`what was there is in ${replaced.dir}`);
  if (replaced !== null && replaced.newer_events !== 0) out.line(`${out.paint('lost', 'bad')}: ${replaced.newer_events === null ? 'an unknown number of' : grouped(replaced.newer_events)} events that the backup lacks`);
  out.note([
    `The log ends at position ${grouped(restored.position)}, as of the backup of ${timeText(restored.backup_made_at_ms)}. Orders sent since are at the venue and not in it.`,
    'What execution knows of the log is in anchors/ of its data directory: by that it finds this log behind, and sends nothing until you have reconciled with the venue and said',
    'tally store accept --reason TEXT. Restored elsewhere? Copy anchors/ there too: without it nobody notices. The runbook is in docs/operations: "a restored log".',
  ].join('\n'));
};

const restore = (context: Context, from: string | undefined, flags: RestoreFlags): Promise<void> =>
  withStore(async ({ restoreStore }) => {
    const { out, around } = context;
    if (from === undefined) throw usage('name the directory of the backup');
    const result = await restoreStore(resolve(around.cwd, from), storeDir(context, flags), {
      ...workOptions(context, 'verified and copied'), toolVersion: await toolVersion(context), replace: flags.replace === true, loseNewer: flags.loseNewer === true,
    });
    if (out.json) out.data(result);
    else showRestore(context, result);
  });

const accept = async ({ out, api, around }: Context, { reason }: { readonly reason: string }): Promise<void> => {
  const { body } = await api.send<StoreAcceptedV1>('POST', '/v1/store/accept', { body: { version: 1, reason }, headers: { 'idempotency-key': around.uuid() } });
  if (out.json) return out.data(body);
  const { given_up: known, head, role, detail } = body;
  out.line(`${out.paint('accepted', 'good')}: the log as it is, up to position ${grouped(Number(head))}`);
  out.line(known ? `given up: event ${known.revision} of ${known.stream}, at position ${grouped(Number(known.position))}, and what else was recorded up to there` : 'given up: what was known of the log, which cannot be read');
  out.note(`it was doubted because ${detail}`);
  out.note(`${role} opens its accounts within seconds, by the venue's own snapshots: tally status. For a day it asks the venue about each order before it sends it.`);
};

const DIR = ['--dir <dir>', 'directory of the event store; default: TALLY_STORE_DATA_DIR, or store/ of the data directory'] as const;

export const storeCommands = (program: Command, run: Run): void => {
  const store = program.command('store').description('the log itself, of the embedded event store');
  store.command('info').description('what it is and how far it goes').option(...DIR)
    .addHelpText('after', '\nReads only, and takes no lock: the system may go on meanwhile.\n\nExamples:\n  tally store info\n  tally store info --dir /srv/tally/store --json')
    .action(run((context, _args, flags: DirFlags) => info(context, flags)));
  store.command('check').description('verify every byte: checksums, chain, revisions, completeness').option(...DIR)
    .addHelpText('after', '\nReads only. Beside a running server it checks what was promised when it began. Ends with 0 clean, 1 damaged, 2 unreadable.\n\nExamples:\n  tally store check\n  tally store check --dir /backup/store-2026-01-31')
    .action(run((context, _args, flags: DirFlags) => check(context, flags)));
  store.command('backup').description('copy what is promised at this moment, verified, while the system goes on').argument('<to>', 'a directory that does not exist yet').option(...DIR)
    .addHelpText('after', '\nNever overwrites. Until it is complete and synced it is TO.partial.\n\nExamples:\n  tally store backup /backup/store-2026-01-31\n  tally store backup /backup/store-2026-01-31 --data /srv/tally --json')
    .action(run((context, [to], flags: DirFlags) => backup(context, to, flags)));
  store.command('restore').description('put a backup in the place of the log, while no server runs').argument('<from>', 'a directory that store backup has made').option(...DIR)
    .option('--replace', 'move the store that is there aside, to DIR.replaced-UTC; nothing is deleted').option('--lose-newer', 'with --replace: also when it has events that the backup lacks')
    .addHelpText('after', '\nThe backup is verified whole before anything is touched.\n\nExamples:\n  tally store restore /backup/store-2026-01-31\n  tally store restore /backup/store-2026-01-31 --data /srv/tally --replace')
    .action(run((context, [from], flags: RestoreFlags) => restore(context, from, flags)));
  store.command('accept').description('take the log as it is, when it is behind what was known of it: trading goes on').requiredOption('--reason <text>', 'recorded with the acceptance')
    .addHelpText('after', '\nAsks the running system, whichever event store it has; needs the scope operate. Reconcile first: docs/operations, "a restored log".\n\nExamples:\n  tally status\n  tally store accept --reason "restored last night\'s backup, orders compared with the venue"')
    .action(run((context, _args, flags: { readonly reason: string }) => accept(context, flags)));
};
