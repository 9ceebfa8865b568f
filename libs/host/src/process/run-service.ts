import 'reflect-metadata';
import type { DynamicModule, INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ensureTopology, guardTopology, JetStreamServer, type Command } from '@tallystick/messaging';
import { startOpsServer } from '@tallystick/platform';
import { processConfig } from './process-config.ts';
import { commandTopology } from './topology.ts';
import { createWorld, type World } from './world.ts';

export interface ServiceDefinition {
  readonly name: string;
  /** Its one Nest module. `giveUp` ends the process: whoever started it starts it again, and it begins from the log. */
  readonly module: (world: World, giveUp: (why: string) => void) => DynamicModule;
  /** The service whose commands it works off, if any. */
  readonly commands?: 'risk' | 'execution';
}

export interface RunningService {
  readonly world: World;
  readonly opsUrl: string;
  stop(): Promise<void>;
}

/** Commands of one intent, or of one order, one after the other; different ones in parallel. */
const keyOf = ({ body, messageId }: Command): string => {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return messageId;
  const named = body as { readonly order_id?: unknown; readonly intent_key?: unknown };
  return String(named.order_id ?? named.intent_key ?? messageId);
};

/** Handlers of one lane at work at once; measured: more adds nothing. */
const CONCURRENCY_MAX = 64;
const TOPOLOGY_RETRY_MS = 500;
/** At a first start the policy comes while the services wait for it: a short look keeps that start short. */
const POLICY_RETRY_MS = 100;
/** Said at the first look and then every ten seconds. */
const POLICY_NOTICE_LOOKS = 100;

const listening = async (module: DynamicModule, strategy: JetStreamServer): Promise<INestMicroservice> => {
  const app = await NestFactory.createMicroservice(module, { logger: false, abortOnError: false, strategy });
  await app.listen();
  return app;
};

/**
 * Boots one service's module over a connected world, its consumers, and its health and metrics pages. With `beside`, a service of the same
 * process, it shares that one's connections, and must be stopped before it.
 */
export const startService = async (definition: ServiceDefinition, env: Readonly<Record<string, string | undefined>>, giveUp: (why: string) => void, beside?: RunningService): Promise<RunningService> => {
  const config = processConfig(env);
  const world = await createWorld(definition.name, config, env, beside?.world);
  const { log, metrics, health, connection } = world;
  const topology = commandTopology(config.natsReplicas);
  for (;;) {
    const ensured = await ensureTopology(connection, topology);
    if (ensured.ok) break;
    log.write('warn', 'topology.not_ready', { detail: ensured });
    await world.service.ports.timers.sleep(TOPOLOGY_RETRY_MS, 'topology');
  }
  const stopGuard = guardTopology(connection, topology);
  for (let looks = 0; !world.reference.isReady(); looks += 1) {
    if (looks % POLICY_NOTICE_LOOKS === 0) log.write('warn', 'policy.not_in_force', { policy: config.policy, detail: 'no readable policy or kill switch yet: waiting' });
    await world.service.ports.timers.sleep(POLICY_RETRY_MS, 'policy');
  }
  const module = definition.module(world, giveUp);
  const app = definition.commands === undefined
    ? await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false })
    : await listening(module, new JetStreamServer({ connection, topology, service: definition.commands, keyOf, concurrencyMax: CONCURRENCY_MAX }));
  const ops = await startOpsServer({ host: config.opsHost, port: config.opsPort, registry: metrics, health: () => health.live(), ready: () => health.ready(), log });
  void connection.closed.then((error) => {
    if (error) giveUp(`the bus connection closed: ${error.message}`);
  });
  log.write('info', 'ready', { port: ops.port });
  return {
    world,
    opsUrl: ops.url,
    stop: async () => {
      // Consumers first, then what they use.
      await app.close();
      stopGuard();
      await ops.close();
      await world.close();
    },
  };
};
