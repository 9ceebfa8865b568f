import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { allMetrics } from '@tallystick/host';
import { createMetrics } from '@tallystick/platform';
import { DASHBOARDS } from '../dashboards/index.ts';
import { dashboardText } from '../dashboards/build.ts';
import { isInstalled } from './cluster-files.ts';
import { find, listAt, read, recordAt, ROOT, textAt, yamlDocuments, type Json } from './files.ts';
import { readingOf } from './promql.ts';

const [prometheus = {}] = yamlDocuments(read('deploy/prometheus/prometheus.yml'));
const [rulesFile = {}] = yamlDocuments(read('deploy/prometheus/rules.yml'));
const [compose = {}] = yamlDocuments(read('docker-compose.yml'));
const rules = listAt(rulesFile, 'groups').flatMap((group) => listAt(group, 'rules'));
const alerts = rules.map((rule) => recordAt(rule)).filter((rule) => rule['alert'] !== undefined);

/** What a scrape adds, and what every process says of itself. */
const ALWAYS = ['service', 'job', 'instance', 'le'];
const ofProcess = async (): Promise<readonly string[]> =>
  [...(await createMetrics({ definitions: [] }).text()).matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);

/** Series by name with their labels, as the tables that the services register declare them. */
const declared = async (): Promise<ReadonlyMap<string, readonly string[]>> => {
  const known = new Map<string, readonly string[]>([['up', []]]);
  for (const name of await ofProcess()) known.set(name, []);
  for (const { name, kind, labels } of allMetrics) for (const series of kind === 'histogram_ms' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]) known.set(series, labels);
  for (const rule of rules) if (textAt(rule, 'record') !== '') known.set(textAt(rule, 'record'), []);
  return known;
};

/** What an expression reads that nobody declares. */
const undeclared = (expression: string, known: ReadonlyMap<string, readonly string[]>): readonly string[] => {
  const { series, labels } = readingOf(expression);
  const unknown = series.filter((name) => !known.has(name));
  const possible = new Set([...ALWAYS, ...series.flatMap((name) => known.get(name) ?? [])]);
  return [...unknown, ...(series.length === 0 ? [`nothing in ${expression}`] : []), ...labels.filter((label) => !possible.has(label)).map((label) => `label ${label}`)];
};

describe('dashboards', () => {
  it.each(Object.entries(DASHBOARDS))('%s is what its code makes (node libs/testing/dist/dashboards/main.js)', (name, spec) => {
    expect(read(`deploy/grafana/dashboards/${name}`)).toBe(dashboardText(spec));
  });

  it('are all there are', () => {
    expect(find('deploy/grafana/dashboards/*').map((path) => path.split('/').at(-1))).toEqual(Object.keys(DASHBOARDS).sort());
  });

  it('read only series and labels that the services declare', async () => {
    const known = await declared();
    const wrong = Object.values(DASHBOARDS).flatMap(({ rows }) => rows).flatMap(({ panels }) => panels).flatMap(({ title, queries }) =>
      queries.flatMap(({ expr, legend }) => [...undeclared(expr, known), ...[...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label).filter((label) => !readingOf(expr).labels.includes(label))].map((what) => `${title}: ${what}`)));
    expect(wrong).toEqual([]);
  });

  it('give every panel a place and a number of its own', () => {
    for (const name of Object.keys(DASHBOARDS)) {
      const panels = listAt(JSON.parse(read(`deploy/grafana/dashboards/${name}`)), 'panels');
      const places = panels.map((panel) => `${textAt(panel, 'gridPos', 'x')},${textAt(panel, 'gridPos', 'y')}`);
      expect([new Set(panels.map((panel) => textAt(panel, 'id'))).size, new Set(places).size]).toEqual([panels.length, panels.length]);
    }
  });

  it('name the data source that is provisioned', () => {
    const [sources] = yamlDocuments(read('deploy/grafana/provisioning/datasources/prometheus.yml'));
    const uid = textAt(sources, 'datasources', 0, 'uid');
    for (const name of Object.keys(DASHBOARDS)) expect(new Set([...read(`deploy/grafana/dashboards/${name}`).matchAll(/"uid": "([^"]+)"/g)].map(([, it]) => it))).toEqual(new Set([uid, DASHBOARDS[name]?.uid]));
    expect(textAt(sources, 'datasources', 0, 'url')).toBe('http://prometheus:9090');
  });
});

describe('reading PromQL', () => {
  it.each([
    ['sum by (code) (increase(x_total{code="A"}[5m])) > 0 or sum by (code) (x_total{code="A"} unless x_total{code="A"} offset 5m) > 0', ['x_total'], ['code']],
    ['histogram_quantile(0.99, sum by (le, outcome) (rate(y_ms_bucket[1m])))', ['y_ms_bucket'], ['le', 'outcome']],
    ['up{job=~"a|b", instance!="c"} == 0', ['up'], ['job', 'instance']],
    ['max(z)', ['z'], []],
    ['tally:decisions:rate1m', ['tally:decisions:rate1m'], []],
  ])('%s', (expression, series, labels) => {
    expect(readingOf(expression)).toEqual({ series, labels });
  });

  it('finds a series and a label that nobody declares', async () => {
    const known = await declared();
    expect(undeclared('rate(tally_intent_total[1m])', known)).toEqual(['tally_intent_total']);
    expect(undeclared('sum by (state) (tally_intents_total)', known)).toEqual(['label state']);
    expect(undeclared('rate(tally_venue_submit_ms[1m])', known)).toEqual(['tally_venue_submit_ms']);
    expect(undeclared('sum by (status) (tally_intents_total)', known)).toEqual([]);
  });
});

describe('Prometheus', () => {
  it('scrapes services of the compose file where they listen', () => {
    const services = recordAt(compose, 'services');
    const targets = listAt(prometheus, 'scrape_configs').flatMap((job) => listAt(job, 'static_configs').flatMap((config) => listAt(config, 'targets'))).map(String).filter((target) => !target.startsWith('127.'));
    const ports = (service: Json): readonly string[] => ['TALLY_OPS_PORT', 'TALLY_VENUE_PORT'].map((name) => textAt(service, 'environment', name)).filter(Boolean);
    expect(targets.filter((target) => target !== 'eventstore:2113' && !ports(recordAt(services, target.split(':')[0] ?? '')).includes(target.split(':')[1] ?? ''))).toEqual([]);
    const scraped = new Set(targets.map((target) => target.split(':')[0]));
    expect(Object.keys(services).filter((name) => ports(recordAt(services, name)).length > 0 && !scraped.has(name))).toEqual([]);
  });

  it('reads only series and labels that the services declare', async () => {
    const known = await declared();
    expect(rules.flatMap((rule) => undeclared(textAt(rule, 'expr'), known).map((what) => `${textAt(rule, 'alert')}${textAt(rule, 'record')}: ${what}`))).toEqual([]);
  });

  it('alerts with a severity, a sentence and a runbook of the operations guide', () => {
    const guide = read('docs/operations/README.md');
    for (const alert of alerts) {
      expect([alert['alert'], textAt(alert, 'labels', 'severity')]).toEqual([alert['alert'], expect.stringMatching(/^(page|ticket)$/)]);
      expect(textAt(alert, 'annotations', 'summary')).not.toBe('');
      expect(guide).toContain(`### ${textAt(alert, 'annotations', 'runbook')}\n`);
    }
  });

  it('has a test for every alert that sees it fire and sees it clear', () => {
    const [tests] = yamlDocuments(read('deploy/prometheus/rules.test.yml'));
    const cases = listAt(tests, 'tests').flatMap((test) => listAt(test, 'alert_rule_test'));
    for (const alert of alerts.map((rule) => textAt(rule, 'alert'))) {
      const fires = cases.filter((one) => textAt(one, 'alertname') === alert).map((one) => listAt(one, 'exp_alerts').length > 0);
      expect([alert, fires.includes(true), fires.at(-1)]).toEqual([alert, true, false]);
    }
  });
});

// promtool comes with Debian's prometheus package; its judgement of the syntax is not repeated by hand.
(isInstalled('promtool') ? describe : describe.skip)('promtool (skipped where there is none)', () => {
  it.each([['check', 'config', 'prometheus.yml'], ['check', 'rules', 'rules.yml'], ['test', 'rules', 'rules.test.yml']])('%s %s %s', (...args) => {
    const run = spawnSync('promtool', args, { cwd: join(ROOT, 'deploy/prometheus'), encoding: 'utf8' });
    expect([run.status, run.status === 0 ? '' : `${run.stdout}${run.stderr}`]).toEqual([0, '']);
  });
});
