import { isPinned, listAt, recordAt, textAt, type Json } from './files.ts';

export interface ComposeContext {
  /** What each program reads, by entry point. */
  readonly variables: Readonly<Record<string, ReadonlySet<string>>>;
  readonly exists: (path: string) => boolean;
}

const OURS = /^tallystick:/;
const CONDITIONS = ['service_healthy', 'service_completed_successfully', 'service_started'];

const dependencies = (service: unknown): Readonly<Record<string, string>> => {
  const list = listAt(service, 'depends_on');
  if (list.length > 0) return Object.fromEntries(list.map((name) => [String(name), 'service_started']));
  return Object.fromEntries(Object.entries(recordAt(service, 'depends_on')).map(([name, value]) => [name, textAt(value, 'condition')]));
};

const startFindings = (name: string, service: Json, services: Json): readonly string[] => Object.entries(dependencies(service)).flatMap(([other, condition]) => {
  const target = services[other];
  if (target === undefined) return [`${name} depends on ${other}, which is not a service`];
  if (!CONDITIONS.includes(condition)) return [`${name} depends on ${other} with the unknown condition ${condition}`];
  const hasCheck = OURS.test(textAt(target, 'image')) ? recordAt(target, 'healthcheck')['disable'] !== true : Object.hasOwn(recordAt(target), 'healthcheck');
  return condition === 'service_healthy' && !hasCheck ? [`${name} waits for the health of ${other}, which has no health check`] : [];
});

const volumeFindings = (name: string, service: Json, volumes: Json, exists: ComposeContext['exists']): readonly string[] => listAt(service, 'volumes').flatMap((volume) => {
  const source = String(volume).replace(/^\$\{[^}]*\}/, './.data').split(':')[0] ?? '';
  if (source.startsWith('./.data')) return [];
  if (source.startsWith('./')) return exists(source.slice(2)) ? [] : [`${name} mounts ${source}, which does not exist`];
  return Object.hasOwn(volumes, source) ? [] : [`${name} mounts the undeclared volume ${source}`];
});

/** Nobody but this machine reaches what is published. */
const portFindings = (name: string, service: Json): readonly string[] =>
  listAt(service, 'ports').filter((port) => !String(port).startsWith('127.0.0.1:')).map((port) => `${name} publishes ${String(port)} beyond loopback`);

const ourFindings = (name: string, service: Json, { variables, exists }: ComposeContext): readonly string[] => {
  const [entry = ''] = listAt(service, 'command').map(String);
  const known = variables[entry];
  const findings: string[] = [];
  if (!known) findings.push(`${name} runs ${entry}, which is no known program`);
  if (!exists(entry.replace('/dist/', '/src/').replace(/\.js$/, '.ts'))) findings.push(`${name} runs ${entry}, which has no source`);
  for (const [variable, value] of Object.entries(recordAt(service, 'environment'))) {
    if (known && !known.has(variable)) findings.push(`${name} is given ${variable}, which ${entry} does not read`);
    if (typeof value !== 'string') findings.push(`${name}: the value of ${variable} is not a text`);
    if (/TOKEN|PASSWORD|SECRET/.test(variable) && !variable.endsWith('_FILE') && !/^\$\{[A-Z_]+:\?/.test(String(value))) findings.push(`${name}: ${variable} is written down instead of asked for`);
  }
  if (textAt(service, 'user') === '') findings.push(`${name} runs as root`);
  if (recordAt(service)['read_only'] !== true) findings.push(`${name} can write its root`);
  if (!listAt(service, 'cap_drop').includes('ALL')) findings.push(`${name} keeps capabilities`);
  return findings;
};

/** A variable such as TALLY_NATS_URL names a service of the file and a port that it listens on. */
const addressFindings = (name: string, service: Json, services: Json): readonly string[] => {
  const text = Object.values(recordAt(service, 'environment')).map(String).join('\n');
  return [...text.matchAll(/\/\/([a-z][a-z0-9-]*):(\d+)/g)].flatMap(([, host = '', port = '']) => {
    const target = services[host];
    if (target === undefined) return [`${name} is told of ${host}, which is not a service`];
    const environment = recordAt(target, 'environment');
    const listens = OURS.test(textAt(target, 'image')) ? Object.entries(environment).filter(([variable]) => variable.endsWith('_PORT')).map(([, value]) => String(value)) : ({ nats: ['4222'], eventstore: ['2113'] } as Record<string, string[]>)[host];
    return listens?.includes(port) === false ? [`${name} is told of ${host}:${port}, and ${host} listens on ${listens.join(', ')}`] : [];
  });
};

/** Everything that is wrong with a compose file, a line each. */
export const composeFindings = (file: Json, context: ComposeContext): readonly string[] => {
  const services = recordAt(file, 'services');
  return Object.entries(services).flatMap(([name, value]) => {
    const service = recordAt(value);
    const image = textAt(service, 'image');
    return [
      ...(isPinned(image) ? [] : [`${name}: image ${image} is not pinned`]),
      ...startFindings(name, service, services), ...volumeFindings(name, service, recordAt(file, 'volumes'), context.exists), ...portFindings(name, service),
      ...(OURS.test(image) ? ourFindings(name, service, context) : []), ...addressFindings(name, service, services),
    ];
  });
};
