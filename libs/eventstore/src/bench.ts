import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import type { Log, NewEvent, Ports } from '@tallystick/ports';
import { connectEventStore } from './connect.ts';

export type AppendVariant = 'batch' | 'unary' | 'stock_batch';

export interface AppendMeasurement {
  readonly variant: AppendVariant;
  readonly writers: number;
  readonly appends_per_s: number;
  /** CPU of this process, user and system, per append. */
  readonly client_cpu_us: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
}

export interface MeasureAppendsOptions {
  /** A store in another process, without TLS or with credentials in the url. */
  readonly url: string;
  readonly ports: Ports;
  readonly log: Log;
  readonly variants: readonly AppendVariant[];
  readonly writers: readonly number[];
  readonly seconds: number;
}

// What an order event weighs.
const PADDING = 'x'.repeat(450);

type AppendOne = (stream: string, expected: number, event: NewEvent) => Promise<void>;

/**
 * Appends single events of about 600 bytes by writers that each own their stream, and measures ours against the stock client.
 * Prints nothing; throws when an append fails, since a rate with failures in it means nothing.
 */
export async function measureAppends(options: MeasureAppendsOptions): Promise<readonly AppendMeasurement[]> {
  const measured: AppendMeasurement[] = [];
  for (const writers of options.writers) {
    for (const variant of options.variants) {
      const { append, close } = open(variant, options);
      // The first appends pay for the connection and the compiler.
      await run(append, variant, writers, Math.min(options.seconds, 1), options.ports);
      measured.push(await run(append, variant, writers, options.seconds, options.ports));
      await close();
    }
  }
  return measured;
}

async function run(append: AppendOne, variant: AppendVariant, writers: number, seconds: number, ports: Ports): Promise<AppendMeasurement> {
  const { clock, ids } = ports;
  const latencies: number[] = [];
  const startedMs = clock.monotonicMs();
  const cpu = process.cpuUsage();
  const writer = async (): Promise<void> => {
    const stream = `bench-${ids.unique('bench.stream')}`;
    for (let n = 0; clock.monotonicMs() - startedMs < seconds * 1_000; n += 1) {
      const event: NewEvent = { id: ids.unique('bench.event'), type: 'Benched', data: { n, padding: PADDING }, metadata: { actor: 'bench' } };
      const sentMs = clock.monotonicMs();
      await append(stream, n - 1, event);
      latencies.push(clock.monotonicMs() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  const tookMs = clock.monotonicMs() - startedMs;
  const { user, system } = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => round(latencies[Math.floor(latencies.length * share)] ?? 0);
  return {
    variant,
    writers,
    appends_per_s: Math.round((latencies.length * 1_000) / tookMs),
    client_cpu_us: round((user + system) / latencies.length),
    p50_ms: at(0.5),
    p99_ms: at(0.99),
  };
}

function open(variant: AppendVariant, options: MeasureAppendsOptions): { readonly append: AppendOne; readonly close: () => Promise<void> } {
  if (variant === 'stock_batch') {
    const client = EventStoreDBClient.connectionString(options.url);
    return {
      append: async (stream, expected, { id, type, data, metadata }) => {
        await client.appendToStream(stream, jsonEvent({ id, type, data: { ...data }, metadata }), { expectedRevision: expected < 0 ? 'no_stream' : BigInt(expected) });
      },
      close: () => client.dispose(),
    };
  }
  const store = connectEventStore({ url: options.url, ports: options.ports, log: options.log, connectionName: 'bench', appendPath: variant });
  return {
    append: async (stream, expected, event) => {
      const outcome = await store.append(stream, expected < 0 ? 'no_stream' : expected, [event]);
      if (!outcome.ok) throw new Error(`bench append: ${outcome.code}`);
    },
    close: () => store.close(),
  };
}

const round = (value: number): number => Math.round(value * 100) / 100;
