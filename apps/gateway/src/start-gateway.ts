import 'reflect-metadata';
import { readFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { createWorld, type World } from '@tallystick/host';
import { deadLetters, serve } from '@tallystick/messaging';
import { startOpsServer } from '@tallystick/platform';
import { ReadModel } from '@tallystick/read-models';
import { GatewayModule, tokenDirectory, type GatewayPorts, type TokenDirectory } from '@tallystick/services/gateway';
import { readConfig, type GatewayProcessConfig } from './config.ts';
import { probe } from './probe.ts';

export interface RunningGateway {
  readonly url: string;
  readonly opsUrl: string;
  readonly readModel: ReadModel;
  stop(): Promise<void>;
}

/** Who sends a head or a body so slowly holds a socket no longer than this. */
const REQUEST_MS_MAX = 30_000;
const HEADERS_MS_MAX = 10_000;
/** Operators, a console or two, feeds; more belongs to a proxy. */
const CONNECTIONS_MAX = 512;

const readTokens = (path: string, world: World): TokenDirectory => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`TOKENS_MISSING: ${path} cannot be read; the first start of the system makes it`, { cause: error });
  }
  return tokenDirectory(text, world.service.ports.clock);
};

const openApi = async (): Promise<string | undefined> =>
  readFile(join(import.meta.dirname, '..', '..', '..', 'docs', 'contracts', 'openapi.json'), 'utf8').catch(() => undefined);

const portsOf = (world: World, readModel: ReadModel, tokens: TokenDirectory): GatewayPorts => ({
  service: world.service, readModel, tokens, deadLetters: deadLetters(world.connection), market: world.book, killFile: world.reference.killFile(), probe, openApi,
  busConnected: () => world.connection.isConnected(),
  serve: (subject, handler) => serve(world.connection, { subject, queue: 'gateway', handler: ({ body }) => handler(body) }),
});

const listen = async (ports: GatewayPorts, { gateway }: GatewayProcessConfig): Promise<{ readonly url: string; close(): Promise<void> }> => {
  const app = await NestFactory.create(GatewayModule.forRoot(ports, gateway), { logger: false, abortOnError: false, bodyParser: false });
  const server = app.getHttpServer() as Server;
  server.requestTimeout = REQUEST_MS_MAX;
  server.headersTimeout = HEADERS_MS_MAX;
  server.maxConnections = CONNECTIONS_MAX;
  await app.listen(gateway.gatewayPort, gateway.gatewayHost);
  const { port } = server.address() as AddressInfo;
  const host = gateway.gatewayHost.includes(':') ? `[${gateway.gatewayHost}]` : gateway.gatewayHost;
  return {
    url: `http://${host}:${port}`,
    close: async () => {
      // Feeds never end by themselves; what is asked and not answered yet is asked again.
      const closed = app.close();
      server.closeAllConnections();
      await closed;
    },
  };
};

/** The gateway over a connected world: read model, API, health pages. Rejects with what is wrong and what to do. */
export const startGateway = async (env: Readonly<Record<string, string | undefined>>, giveUp: (why: string) => void): Promise<RunningGateway> => {
  const config = readConfig(env);
  const world = await createWorld('gateway', config.process, env);
  const { log, metrics, health } = world;
  const tokens = readTokens(config.tokensFile, world);
  const readModel = new ReadModel({ path: config.readModelFile, store: world.service.store, timers: world.service.ports.timers, log, metrics, market: world.book });
  readModel.start();
  health.register('read_model', 'ready', () => ({ ok: readModel.isLive(), detail: readModel.fault() ?? `at ${readModel.queries.position()}` }));
  const http = await listen(portsOf(world, readModel, tokens), config);
  const ops = await startOpsServer({ host: config.process.opsHost, port: config.process.opsPort, registry: metrics, health: () => health.live(), ready: () => health.ready(), log });
  void world.connection.closed.then((error) => {
    if (error) giveUp(`the bus connection closed: ${error.message}`);
  });
  log.write('info', 'ready', { port: ops.port, url: http.url });
  return {
    url: http.url, opsUrl: ops.url, readModel,
    stop: async () => {
      await http.close();
      await ops.close();
      await readModel.stop();
      await world.close();
    },
  };
};
