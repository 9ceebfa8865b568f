import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import type { ComposeService } from './compose-file.ts';

export interface LocalCompose {
  /** `service:port` of the file as it can be reached here, `127.0.0.1:port`. */
  addressOf(hostPort: string): string;
  start(name: string): ChildProcess;
  /** Runs a service that ends by itself, and gives its exit code and output. */
  run(name: string): Promise<{ readonly code: number | null; readonly output: string }>;
  outputOf(name: string): string;
  stop(): Promise<Readonly<Record<string, number | null>>>;
}

export interface LocalComposeOptions {
  readonly root: string;
  readonly services: ReadonlyMap<string, ComposeService>;
  /** Where what another image provides is on this machine: `nats:4222` and `eventstore:2113`. */
  readonly engines: Readonly<Record<string, string>>;
}

const OWN_PORTS = ['TALLY_OPS_PORT', 'TALLY_GATEWAY_PORT', 'TALLY_VENUE_PORT'] as const;

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
};

/**
 * The services of a compose file as processes of this machine: each with exactly the command, environment and mounts that the file
 * gives it, hosts and paths of the containers replaced by what stands for them here. What only a container has (users, read-only
 * roots, networks, health-ordered start) is not tried by this.
 */
export const localCompose = async ({ root, services, engines }: LocalComposeOptions): Promise<LocalCompose> => {
  const places = new Map<string, string>(Object.entries(engines));
  for (const [name, { environment }] of services) {
    for (const variable of OWN_PORTS) if (environment[variable]) places.set(`${name}:${environment[variable]}`, `127.0.0.1:${await freePort()}`);
  }
  const addressOf = (hostPort: string): string => places.get(hostPort) ?? hostPort;
  const running = new Map<string, { readonly child: ChildProcess; output: string }>();

  const mounted = (service: ComposeService, text: string): string => {
    const [source, target] = service.volumes.map((volume) => volume.split(':')).find(([, to]) => to !== undefined && (text === to || text.startsWith(`${to}/`))) ?? [];
    const inData = source !== undefined && target !== undefined ? resolve(root, source) + text.slice(target.length) : text;
    return inData.replaceAll('/app/', `${root}/`).replaceAll('/usr/local/bin/node', process.execPath);
  };
  const here = (name: string, service: ComposeService, variable: string, value: string): string => {
    if ((OWN_PORTS as readonly string[]).includes(variable)) return addressOf(`${name}:${value}`).split(':')[1] ?? '';
    if (variable.endsWith('_HOST')) return '127.0.0.1';
    return mounted(service, value).replaceAll(/[a-z][a-z-]*:\d{4}(?!\d)/g, (hostPort) => addressOf(hostPort));
  };

  const start = (name: string): ChildProcess => {
    const service = services.get(name);
    if (!service) throw new Error(`no service ${name} in the compose file`);
    const [entry = '', ...args] = service.command ?? [];
    const env = Object.fromEntries(Object.entries(service.environment).map(([variable, value]) => [variable, here(name, service, variable, value)]));
    const child = spawn(process.execPath, ['--enable-source-maps', join(root, entry), ...args], { env: { PATH: process.env['PATH'] ?? '', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const entryOf = { child, output: '' };
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (entryOf.output += chunk.toString()));
    running.set(name, entryOf);
    return child;
  };
  const outputOf = (name: string): string => running.get(name)?.output ?? '';
  return {
    addressOf, start, outputOf,
    run: async (name) => {
      const [code] = (await once(start(name), 'close')) as [number | null];
      return { code, output: outputOf(name) };
    },
    stop: async () => {
      const codes: Record<string, number | null> = {};
      await Promise.all([...running].map(async ([name, { child }]) => {
        if (child.exitCode === null && child.signalCode === null) {
          const closed = once(child, 'close');
          child.kill('SIGTERM');
          await closed;
        }
        codes[name] = child.exitCode;
      }));
      return codes;
    },
  };
};
