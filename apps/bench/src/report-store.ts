import { short, shown, spreadOf, type Spread } from './machine/numbers.ts';
import { table, targetLines, type Target } from './report.ts';
import type { AppendResult, AppendRound } from './sections/store-appends.ts';
import type { StoreResult } from './sections/store.ts';

const START_S_MAX = 2;
const MEMORY_MIB_MAX = 400;
/** What the targets speak of; a log of fewer events meets them too easily to say so. */
const TARGET_EVENTS = 1_000_000;

const over = <R>(rounds: readonly R[], value: (round: R) => number): Spread => spreadOf(rounds.map(value));

const APPEND_COLUMNS: readonly (readonly [string, (round: AppendRound) => number])[] = [
  ['appends/s', ({ store }) => store.per_s],
  ['p50 ms', ({ store }) => store.p50_ms],
  ['p99 ms', ({ store }) => store.p99_ms],
  ['CPU us: client', ({ store }) => store.client_us],
  ['server', ({ store }) => store.server_us],
  ['per sync', ({ store }) => store.per_sync],
  ['p50 / gRPC', ({ store, echo }) => store.p50_ms / echo.p50_ms],
  ['p50 / sync', ({ store, sync }) => store.p50_ms / sync.p50_ms],
  ['rate / gRPC', ({ store, echo }) => store.per_s / echo.per_s],
  ['client CPU / gRPC', ({ store, echo }) => store.client_us / echo.client_us],
  ['server CPU / gRPC', ({ store, echo }) => store.server_us / echo.server_us],
];

const appendRow = ({ way, writers, rounds }: AppendResult): readonly string[] => [`${way}, ${writers}`, ...APPEND_COLUMNS.map(([, value]) => short(over(rounds, value).median))];

const floorRow = ({ way, writers, rounds }: AppendResult): readonly string[] => [
  `${way}, ${writers}`, ...[
    ({ echo }: AppendRound) => echo.per_s, ({ echo }: AppendRound) => echo.p50_ms, ({ echo }: AppendRound) => echo.client_us, ({ echo }: AppendRound) => echo.server_us,
    ({ sync }: AppendRound) => sync.p50_ms, ({ sync }: AppendRound) => sync.p99_ms,
  ].map((value) => shown(over(rounds, value))),
];

const readLines = ({ reads, read_events }: StoreResult): string => table([
  [`reading ${read_events.toLocaleString('en-US')} events`, 'events/s', 'CPU us: client', 'server', 'rate / gRPC'],
  ...(['stream', 'all', 'echo'] as const).map((kind) => [
    { stream: 'one stream', all: 'the log of all', echo: 'bare gRPC, nothing decoded' }[kind],
    ...[(round: typeof reads[number]) => round[kind].per_s, (round: typeof reads[number]) => round[kind].client_us, (round: typeof reads[number]) => round[kind].server_us].map((value) => shown(over(reads, value))),
    kind === 'echo' ? '' : short(over(reads, (round) => round[kind].per_s / round.echo.per_s).median),
  ]),
]);

const deliveryLines = ({ delivery }: StoreResult): string => table([
  ['append to handler at 200/s', 'p50 ms', 'p99 ms', 'p50 / gRPC round trip'],
  ...delivery.map(({ subscribers, rounds }) => [
    `${subscribers} subscriber${subscribers === 1 ? '' : 's'}`, shown(over(rounds, (round) => round.p50_ms)), shown(over(rounds, (round) => round.p99_ms)), short(over(rounds, (round) => round.p50_ms / round.echo_p50_ms).median),
  ]),
]);

const startLines = ({ start }: StoreResult): string => table([
  [`${start.events.toLocaleString('en-US')} events, ${short(start.log_bytes / 2 ** 20)} MiB`, ''],
  ['start after a stop, ms', shown(spreadOf(start.after_stop_ms))],
  ['start after kill -9, ms', shown(spreadOf(start.after_kill_ms))],
  ['resident MiB when it has written them', short(start.filled_resident_mib)],
  ['  when it has started', short(start.started_resident_mib)],
  ['  when it has read them all', short(start.read_resident_mib)],
]);

/** None for a quick run's smaller log. */
export const storeTargets = ({ start }: StoreResult): readonly Target[] => {
  if (start.events < TARGET_EVENTS) return [];
  const atMost = (what: string, value: number, limit: number): Target => ({ what, value, limit, met: value <= limit });
  return [
    atMost('start with 1 million events after a stop, s', spreadOf(start.after_stop_ms).median / 1_000, START_S_MAX),
    atMost('start with 1 million events after kill -9, s', spreadOf(start.after_kill_ms).median / 1_000, START_S_MAX),
    atMost('memory with 1 million events, MiB resident at most', Math.max(start.filled_resident_mib, start.started_resident_mib, start.read_resident_mib), MEMORY_MIB_MAX),
  ];
};

export const storeLines = (result: StoreResult): string => {
  const others = result.appends.flatMap(({ rounds }) => rounds.map((round) => round.others * 100));
  return [
    'The event store alone: median',
    table([['durable appends, writers', ...APPEND_COLUMNS.map(([what]) => what)], ...result.appends.map(appendRow)]),
    'The floors in the same rounds: median (min..max)',
    table([['bare gRPC, callers', 'calls/s', 'p50 ms', 'CPU us: client', 'server', 'sync of as many appends, p50 ms', 'p99 ms'], ...result.appends.map(floorRow)]),
    readLines(result), deliveryLines(result), startLines(result),
    `CPU that others used meanwhile, %: ${shown(spreadOf(others))}`, targetLines(storeTargets(result)),
  ].filter((text) => text !== '').join('\n\n');
};
