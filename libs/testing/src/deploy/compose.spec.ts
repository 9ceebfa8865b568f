import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { composeFindings } from './compose-rules.ts';
import { knownVariables } from './environment.ts';
import { listAt, read, recordAt, ROOT, textAt, yamlDocuments, type Json } from './files.ts';

const context = { variables: knownVariables(), exists: (path: string) => existsSync(join(ROOT, path)) };
const text = read('docker-compose.yml');
const [file = {}] = yamlDocuments(text);

/** The file with one place in one service changed. */
const changed = (service: string, change: (service: Record<string, unknown>) => void): Json => {
  const copy = structuredClone(file) as Record<string, Record<string, Record<string, unknown>>>;
  change(copy['services']?.[service] as Record<string, unknown>);
  return copy;
};
const environmentOf = (service: Record<string, unknown>): Record<string, unknown> => service['environment'] as Record<string, unknown>;

describe('docker-compose.yml', () => {
  it('holds to every rule', () => {
    expect(composeFindings(file, context)).toEqual([]);
  });

  it('has the whole system', () => {
    expect(Object.keys(recordAt(file, 'services')).sort()).toEqual(
      ['bootstrap', 'conductor', 'eventstore', 'execution', 'fills', 'gateway', 'grafana', 'intents', 'nats', 'paper-venue', 'prometheus', 'risk', 'supervisor']);
  });

  // What docker-compose 1.29 does not know, today's does: it would be refused there only.
  it('keeps to what docker-compose 1.29 reads', () => {
    expect(Object.keys(file).filter((key) => !key.startsWith('x-')).sort()).toEqual(['services', 'volumes']);
    const known = ['build', 'cap_drop', 'command', 'depends_on', 'environment', 'healthcheck', 'image', 'init', 'logging', 'ports', 'read_only', 'restart', 'security_opt', 'stop_grace_period', 'tmpfs', 'user', 'volumes'];
    const used = Object.values(recordAt(file, 'services')).flatMap((service) => Object.keys(recordAt(service)));
    expect([...new Set(used)].filter((key) => !known.includes(key))).toEqual([]);
    expect([...text.matchAll(/\$\{([^}]*)\}/g)].map(([, inner = '']) => inner).filter((inner) => !/^[A-Z_]+:[-?]/.test(inner))).toEqual([]);
  });

  it('gives execution alone the tokens of the venue\'s accounts', () => {
    const mounts = Object.entries(recordAt(file, 'services')).filter(([, service]) => listAt(service, 'volumes').some((volume) => String(volume).includes('/roles/execution')));
    expect(mounts.map(([name]) => name)).toEqual(['execution']);
    const told = Object.entries(recordAt(file, 'services')).filter(([, service]) => textAt(service, 'environment', 'TALLY_VENUE_TOKENS') !== '');
    expect(told.map(([name]) => name)).toEqual(['paper-venue']);
  });

  it.each<[string, Json, RegExp]>([
    ['an image without a version', changed('nats', (it) => (it['image'] = 'nats')), /nats: image nats is not pinned/],
    ['the latest image', changed('grafana', (it) => (it['image'] = 'grafana/grafana:latest')), /is not pinned/],
    ['a service that is not there', changed('risk', (it) => (it['depends_on'] = { redis: { condition: 'service_healthy' } })), /risk depends on redis/],
    ['the health of what has no check', changed('risk', (it) => (it['depends_on'] = { prometheus: { condition: 'service_healthy' } })), /has no health check/],
    ['the health of what has its check disabled', changed('risk', (it) => (it['depends_on'] = { bootstrap: { condition: 'service_healthy' } })), /has no health check/],
    ['a variable that nobody reads', changed('fills', (it) => (environmentOf(it)['TALLY_NATS_URLS'] = 'x')), /fills is given TALLY_NATS_URLS, which apps\/fills/],
    ['the gateway\'s variable in another service', changed('risk', (it) => (environmentOf(it)['TALLY_GATEWAY_PORT'] = '1')), /risk is given TALLY_GATEWAY_PORT/],
    ['a program that is not there', changed('risk', (it) => (it['command'] = ['apps/riks/dist/main.js'])), /no known program/],
    ['a port that nobody listens on', changed('intents', (it) => (environmentOf(it)['TALLY_NATS_URL'] = 'nats://nats:4223')), /told of nats:4223/],
    ['a host that is not a service', changed('intents', (it) => (environmentOf(it)['ESDB_URL'] = 'esdb://store:2113?tls=false')), /told of store/],
    ['a secret in the file', changed('paper-venue', (it) => (environmentOf(it)['TALLY_VENUE_CONTROL_TOKEN'] = 'changeme')), /written down/],
    ['a default for a secret', changed('paper-venue', (it) => (environmentOf(it)['TALLY_VENUE_CONTROL_TOKEN'] = '${TALLY_VENUE_CONTROL_TOKEN:-changeme}')), /written down/],
    ['a port for everybody', changed('gateway', (it) => (it['ports'] = ['8787:8787'])), /beyond loopback/],
    ['root', changed('execution', (it) => delete it['user']), /runs as root/],
    ['a root that can be written', changed('execution', (it) => delete it['read_only']), /write its root/],
    ['capabilities', changed('execution', (it) => delete it['cap_drop']), /keeps capabilities/],
    ['a file that is not there', changed('prometheus', (it) => (it['volumes'] = ['./deploy/prom:/etc/prometheus:ro'])), /does not exist/],
    ['a volume that is not declared', changed('nats', (it) => (it['volumes'] = ['jetstream:/data'])), /undeclared volume/],
  ])('would be found with %s', (_what, wrong, finding) => {
    expect(composeFindings(wrong, context).join('\n')).toMatch(finding);
  });
});
