import { shown, short, spreadOf, type Spread } from './machine/numbers.ts';
import type { Machine } from './machine/machine.ts';
import type { GrowthLevel } from './sections/growth.ts';
import type { OutboxResult, OutboxRound } from './sections/outbox.ts';
import type { PipelineResult, Round, Variant } from './sections/pipeline.ts';

/** A ratio the product must reach against its floor. */
export interface Target {
  readonly what: string;
  readonly value: number;
  readonly limit: number;
  readonly met: boolean;
}

const column = (variant: Variant, value: (round: Round) => number): Spread => spreadOf(variant.rounds.map(value));

/** Lines of a table, its columns as wide as their widest cell. */
export const table = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  return rows.map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ').trimEnd()).join('\n');
};

export const machineLines = (machine: Machine): string => [
  `${machine.cores} cores of ${machine.cpu} (${machine.virtual}), ${machine.memory_gib} GiB, ${machine.kernel}`,
  `node ${machine.node}, ${machine.nats_server}, append of 600 bytes with fdatasync: p50 ${short(machine.fsync_p50_ms)} ms, p99 ${short(machine.fsync_p99_ms)} ms`,
].join('\n');

const METRICS: readonly (readonly [string, (round: Round) => number])[] = [
  ['intent to venue call at 100/s, p50 ms', (round) => round.p50_ms],
  ['  p90 ms', (round) => round.p90_ms],
  ['  p99 ms', (round) => round.p99_ms],
  ['intent to its answer at 100/s, p50 ms', (round) => round.answer_p50_ms],
  ['sustained orders/s', (round) => round.orders_per_s],
  ['CPU us per order, all processes', (round) => round.cpu_us_total],
  ['events per order', (round) => round.events],
  ['appends per order', (round) => round.appends],
  ['appends per sync', (round) => round.appends_per_sync],
  ['reads per order', (round) => round.reads],
  ['redeliveries', (round) => round.redeliveries],
  ['CPU that others used, %', (round) => round.others * 100],
];

export const ratiosOf = ({ variants }: PipelineResult): readonly Target[] => {
  const [product, relay] = variants;
  if (!product || !relay) return [];
  const ratio = (value: (round: Round) => number): number => column(product, value).median / column(relay, value).median;
  const atMost = (what: string, value: number, limit: number): Target => ({ what, value, limit, met: value <= limit });
  const sustained = ratio((round) => round.orders_per_s);
  return [
    atMost('p50 at 100/s, times the relay', ratio((round) => round.p50_ms), 1.5),
    atMost('p99 at 100/s, times the relay', ratio((round) => round.p99_ms), 2),
    { what: 'sustained orders/s, share of the relay', value: sustained, limit: 0.6, met: sustained >= 0.6 },
  ];
};

export const targetLines = (targets: readonly Target[]): string =>
  targets.map(({ what, value, limit, met }) => `${met ? 'met    ' : 'NOT MET'}  ${what}: ${short(value)} (target ${limit})`).join('\n');

export const pipelineLines = (result: PipelineResult): string => {
  const { variants } = result;
  const rows: string[][] = [['', ...variants.map(({ name }) => name)]];
  for (const [what, value] of METRICS) rows.push([what, ...variants.map((variant) => shown(column(variant, value)))]);
  const names = [...new Set(variants.flatMap(({ rounds }) => rounds.flatMap(({ cpu_us }) => Object.keys(cpu_us))))];
  for (const name of names) {
    rows.push([`CPU us per order, ${name}`, ...variants.map((variant) => (name in (variant.rounds[0]?.cpu_us ?? {}) ? shown(column(variant, (round) => round.cpu_us[name] ?? 0)) : ''))]);
  }
  for (const name of names) {
    rows.push([`  at 100/s, ${name}`, ...variants.map((variant) => (name in (variant.rounds[0]?.cpu_us_low ?? {}) ? shown(column(variant, (round) => round.cpu_us_low[name] ?? 0)) : ''))]);
  }
  for (const name of names) {
    rows.push([`resident MiB, ${name}`, ...variants.map((variant) => (name in (variant.rounds[0]?.resident_mib ?? {}) ? short(column(variant, (round) => round.resident_mib[name] ?? 0).median) : ''))]);
  }
  const disturbed = variants.map(({ name, rounds }) => `${rounds.filter((round) => round.disturbed).length} of ${rounds.length} rounds of ${name} disturbed by others (over 10 % of the CPU)`);
  const title = result.topology === 'one' ? 'the four services in one process' : 'a process each for the four services';
  const [product, relay] = variants;
  const cpu = product && relay ? `CPU per order, times the relay: ${short(column(product, (round) => round.cpu_us_total).median / column(relay, (round) => round.cpu_us_total).median)}` : '';
  return [`Pipeline, ${title}: median (min..max)`, table(rows), disturbed.join('; '), cpu, targetLines(ratiosOf(result))].filter((text) => text !== '').join('\n');
};

export const outboxTargets = (outbox: OutboxResult, pipelines: readonly PipelineResult[]): readonly Target[] => {
  const product = pipelines[0]?.variants[0];
  if (outbox.kind === 'skipped' || !product) return [];
  const value = column(product, (round) => round.orders_per_s).median / spreadOf(outbox.rounds.map((round) => round.orders_per_s)).median;
  return [{ what: 'sustained orders/s, times the outbox', value, limit: OUTBOX_TIMES, met: value >= OUTBOX_TIMES }];
};

const OUTBOX_TIMES = 7;

export const outboxLines = (outbox: OutboxResult, targets: readonly Target[]): string => {
  if (outbox.kind === 'skipped') return `Postgres outbox: skipped: ${outbox.reason}`;
  const { rounds, version } = outbox;
  const of = (value: (round: OutboxRound) => number): string => shown(spreadOf(rounds.map(value)));
  const rows = [
    ['', 'outbox'], ['intent to venue call at 100/s, p50 ms', of((round) => round.p50_ms)], ['  p99 ms', of((round) => round.p99_ms)],
    ['sustained orders/s', of((round) => round.orders_per_s)], ['CPU us per order, all processes', of((round) => round.cpu_us_total)], ['CPU that others used, %', of((round) => round.others * 100)],
  ];
  return [`${version}, one message per transaction, five stages, two workers each, commits synced: median (min..max)`, table(rows), targetLines(targets)].filter((text) => text !== '').join('\n');
};

const GROWTH: readonly (readonly [string, (level: GrowthLevel) => number])[] = [
  ['intent to venue call at 100/s, p50 ms', (level) => level.p50_ms],
  ['  p99 ms', (level) => level.p99_ms],
  ['orders/s while growing', (level) => level.orders_per_s],
  ['CPU us per order, all processes', (level) => level.cpu_us_per_order],
  ['services: heap bytes per open order added', (level) => level.heap_bytes_per_order],
  ['services: resident MiB', (level) => level.services_resident_mib],
  ['store: resident MiB', (level) => level.store_resident_mib],
  ['nats-server: resident MiB', (level) => level.nats_resident_mib],
  ['log bytes per order', (level) => level.log_bytes_per_order],
  ['replay of orders, events/s', (level) => level.replay_events_per_s],
  ['  events per CPU second', (level) => level.replay_events_per_cpu_s],
  ['projection, events/s', (level) => level.projection_events_per_s],
  ['  events per CPU second', (level) => level.projection_events_per_cpu_s],
  ['CPU that others used, %', (level) => level.others * 100],
];

export const growthLines = (levels: readonly GrowthLevel[]): string => [
  'Growth: every order open at the venue, none filled',
  table([['open orders', ...levels.map(({ open_orders }) => open_orders.toLocaleString('en-US'))], ...GROWTH.map(([what, value]) => [what, ...levels.map((level) => short(value(level)))])]),
].join('\n');
