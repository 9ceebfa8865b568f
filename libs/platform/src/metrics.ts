import type { Log, Metrics } from '@tallystick/ports';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

export interface MetricDefinition {
  /** Prometheus name: `tally_` first, unit last, `_total` for counters. */
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram_ms';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds in ms, histograms only. */
  readonly bucketsMs?: readonly number[];
}

export interface MetricsOptions {
  readonly definitions: readonly MetricDefinition[];
  /** Throws on an undeclared name or label instead of dropping it: for tests. Default: true when NODE_ENV is `test`. */
  readonly strict?: boolean;
  /** On every series, such as the service's name. */
  readonly defaultLabels?: Readonly<Record<string, string>>;
  /** Memory, event loop and garbage collection of this process. Default true. */
  readonly processMetrics?: boolean;
  readonly log?: Log;
}

export interface MetricsRegistry extends Metrics {
  /** Exposition format, for a scrape. */
  text(): Promise<string>;
  readonly contentType: string;
}

// From a loopback hop to a human waiting: the spread of what the product measures.
const DEFAULT_BUCKETS_MS = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000];
// A label drawn from ids would grow without end; a closed set never gets this far.
const SERIES_PER_METRIC_MAX = 500;
const DROPPED = 'tally_metrics_dropped_total';

type DropReason = 'undeclared' | 'wrong_kind' | 'wrong_labels' | 'too_many_series';
type Labels = Readonly<Record<string, string>>;
type Instrument =
  | { readonly kind: 'counter'; readonly metric: Counter }
  | { readonly kind: 'gauge'; readonly metric: Gauge }
  | { readonly kind: 'histogram_ms'; readonly metric: Histogram };

/** One metric with one set of label values: found once, then written to. */
type Series =
  | { readonly kind: 'counter'; readonly child: Counter.Internal }
  | { readonly kind: 'gauge'; readonly child: Gauge.Internal<string> }
  | { readonly kind: 'histogram_ms'; readonly child: Histogram.Internal<string> };

interface Declared {
  readonly definition: MetricDefinition;
  readonly instrument: Instrument;
  readonly series: Map<string, Series>;
}

/** Checks a table of metrics where it is written. Throws on a bad name, label or a name given twice. */
export const defineMetrics = <const T extends readonly MetricDefinition[]>(definitions: T): T => {
  const seen = new Set<string>();
  for (const { name, kind, labels } of definitions) {
    if (!/^tally_[a-z0-9_]+$/.test(name)) throw new Error(`metric ${name}: names are tally_ and lower snake case`);
    if ((kind === 'counter') !== name.endsWith('_total')) throw new Error(`metric ${name}: counters, and only they, end in _total`);
    if (kind === 'histogram_ms' && !name.endsWith('_ms')) throw new Error(`metric ${name}: histograms end in _ms`);
    for (const label of labels) if (!/^[a-z][a-z0-9_]*$/.test(label)) throw new Error(`metric ${name}: label ${label} is not lower snake case`);
    if (seen.has(name)) throw new Error(`metric ${name} is defined twice`);
    seen.add(name);
  }
  return definitions;
};

const build = (registry: Registry, definition: MetricDefinition): Instrument => {
  const { name, kind, help } = definition;
  const common = { name, help, labelNames: [...definition.labels], registers: [registry] };
  if (kind === 'counter') return { kind, metric: new Counter(common) };
  if (kind === 'gauge') return { kind, metric: new Gauge(common) };
  return { kind, metric: new Histogram({ ...common, buckets: [...(definition.bucketsMs ?? DEFAULT_BUCKETS_MS)] }) };
};

const childOf = (instrument: Instrument, labels: Labels): Series => {
  switch (instrument.kind) {
    case 'counter':
      return { kind: 'counter', child: instrument.metric.labels(labels) };
    case 'gauge':
      return { kind: 'gauge', child: instrument.metric.labels(labels) };
    case 'histogram_ms':
      return { kind: 'histogram_ms', child: instrument.metric.labels(labels) };
  }
};

/** What tells one series of a metric from the others, or `undefined` when the labels are not those declared. */
const seriesKey = ({ labels: names }: MetricDefinition, labels: Labels): string | undefined => {
  if (Object.keys(labels).length !== names.length) return undefined;
  let key = '';
  for (const name of names) {
    const value = labels[name];
    if (value === undefined) return undefined;
    key += `${value}\u0000`;
  }
  return key;
};

/**
 * A registry that takes declared names and exactly their labels. Anything else throws when strict; otherwise it is
 * dropped, counted in `tally_metrics_dropped_total` and logged once per name.
 */
export const createMetrics = (options: MetricsOptions): MetricsRegistry => {
  const strict = options.strict ?? process.env['NODE_ENV'] === 'test';
  const registry = new Registry();
  if (options.defaultLabels !== undefined) registry.setDefaultLabels(options.defaultLabels);
  if (options.processMetrics ?? true) collectDefaultMetrics({ register: registry });
  const dropped = new Counter({ name: DROPPED, help: 'Metric writes refused: undeclared, wrongly labelled or too many series.', labelNames: ['reason'], registers: [registry] });
  const declared = new Map<string, Declared>();
  for (const definition of defineMetrics(options.definitions)) {
    declared.set(definition.name, { definition, instrument: build(registry, definition), series: new Map() });
  }
  const complained = new Set<string>();

  const drop = (name: string, reason: DropReason): undefined => {
    if (strict) throw new Error(`metric ${name}: ${reason}`);
    dropped.inc({ reason });
    if (!complained.has(name)) {
      complained.add(name);
      options.log?.write('warn', 'metrics.dropped', { metric: name, reason });
    }
    return undefined;
  };

  const find = (name: string, kind: MetricDefinition['kind'], labels: Labels): Series | undefined => {
    const entry = declared.get(name);
    if (entry === undefined) return drop(name, 'undeclared');
    if (entry.definition.kind !== kind) return drop(name, 'wrong_kind');
    const key = seriesKey(entry.definition, labels);
    if (key === undefined) return drop(name, 'wrong_labels');
    let series = entry.series.get(key);
    if (series === undefined) {
      if (entry.series.size >= SERIES_PER_METRIC_MAX) return drop(name, 'too_many_series');
      series = childOf(entry.instrument, labels);
      entry.series.set(key, series);
    }
    return series;
  };

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    count: (name, labels = {}, by = 1) => {
      const found = find(name, 'counter', labels);
      if (found?.kind === 'counter') found.child.inc(by);
    },
    gauge: (name, value, labels = {}) => {
      const found = find(name, 'gauge', labels);
      if (found?.kind === 'gauge') found.child.set(value);
    },
    observeMs: (name, ms, labels = {}) => {
      const found = find(name, 'histogram_ms', labels);
      if (found?.kind === 'histogram_ms') found.child.observe(ms);
    },
  };
};
