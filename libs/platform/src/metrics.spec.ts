import { describe, expect, it } from '@jest/globals';
import { createMetrics, defineMetrics } from './metrics.ts';
import { recordingLog } from './testing.ts';

const definitions = defineMetrics([
  { name: 'tally_orders_total', kind: 'counter', help: 'Orders by state.', labels: ['state'] },
  { name: 'tally_lag', kind: 'gauge', help: 'Lag.', labels: [] },
  { name: 'tally_submit_ms', kind: 'histogram_ms', help: 'Submit.', labels: ['venue'], bucketsMs: [1, 10] },
]);

describe('metrics', () => {
  it('are shown in the exposition format, with the process’s own', async () => {
    const metrics = createMetrics({ definitions, defaultLabels: { service: 'risk' } });
    metrics.count('tally_orders_total', { state: 'filled' }, 2);
    metrics.gauge('tally_lag', 3);
    metrics.observeMs('tally_submit_ms', 5, { venue: 'paper' });
    const text = await metrics.text();
    expect(text).toContain('tally_orders_total{state="filled",service="risk"} 2');
    expect(text).toContain('tally_lag{service="risk"} 3');
    expect(text).toMatch(/^tally_submit_ms_bucket\{le="10",.*venue="paper".*\} 1$/m);
    expect(text.includes('nodejs_eventloop_lag_p99_seconds')).toBe(true);
    expect(metrics.contentType).toContain('text/plain');
  });

  it('throw in tests on what was not declared', () => {
    const metrics = createMetrics({ definitions, strict: true, processMetrics: false });
    expect(() => metrics.count('tally_unknown_total')).toThrow('undeclared');
    expect(() => metrics.count('tally_orders_total')).toThrow('wrong_labels');
    expect(() => metrics.count('tally_orders_total', { state: 'x', order_id: 'o' })).toThrow('wrong_labels');
    expect(() => metrics.gauge('tally_orders_total', 1, { state: 'x' })).toThrow('wrong_kind');
  });

  it('drop and count it in production, and say so once', async () => {
    const log = recordingLog();
    const metrics = createMetrics({ definitions, strict: false, processMetrics: false, log });
    for (let n = 0; n < 3; n += 1) metrics.count('tally_orders_total', { order_id: 'o' });
    expect(await metrics.text()).toContain('tally_metrics_dropped_total{reason="wrong_labels"} 3');
    expect(log.lines).toHaveLength(1);
  });

  it('stop growing when a label turns out to be an id', async () => {
    const metrics = createMetrics({ definitions, strict: false, processMetrics: false });
    for (let n = 0; n < 600; n += 1) metrics.count('tally_orders_total', { state: `s${n}` });
    expect(await metrics.text()).toContain('tally_metrics_dropped_total{reason="too_many_series"} 100');
  });

  it('are refused where they are defined badly', () => {
    const bad = (name: string, kind: 'counter' | 'gauge' | 'histogram_ms', labels: string[] = []) => () => defineMetrics([{ name, kind, help: 'x', labels }]);
    expect(bad('orders_total', 'counter')).toThrow();
    expect(bad('tally_orders', 'counter')).toThrow();
    expect(bad('tally_submit', 'histogram_ms')).toThrow();
    expect(bad('tally_lag', 'gauge', ['orderId'])).toThrow();
    expect(() => defineMetrics([definitions[1], definitions[1]])).toThrow('twice');
  });
});
