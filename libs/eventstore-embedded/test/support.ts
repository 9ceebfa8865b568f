import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import type { AppendExpectedRevision, JSONEventType } from '@eventstore/db-client';
import { startEmbeddedStore } from '../src/index.ts';
import type { EmbeddedStore, EmbeddedStoreOptions } from '../src/index.ts';

export function newDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'embedded-store-'));
}

/** Resolves when `condition` holds; the test's own time limit ends the wait. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** A busy machine's disk may well take longer than the server's own limit. */
const PATIENT_MS = 60_000;

/** One server with a client, over a directory of its own, that can be restarted. */
export class Fixture {
  readonly dataDir = newDirectory();
  readonly logged: { event: string; fields: Readonly<Record<string, unknown>> }[] = [];
  private running: { store: EmbeddedStore; client: EventStoreDBClient } | undefined;

  get store(): EmbeddedStore {
    return this.running!.store;
  }

  get client(): EventStoreDBClient {
    return this.running!.client;
  }

  async start(options: Partial<EmbeddedStoreOptions> = {}): Promise<void> {
    const log = { write: (_level: string, event: string, fields = {}): void => void this.logged.push({ event, fields }) };
    const store = await startEmbeddedStore({ dataDir: this.dataDir, log, writeTimeoutMs: PATIENT_MS, ...options });
    this.running = { store, client: EventStoreDBClient.connectionString(store.connectionString) };
  }

  async stop(): Promise<void> {
    const { running } = this;
    this.running = undefined;
    if (running === undefined) return;
    await running.client.dispose();
    await running.store.stop();
  }

  async restart(options: Partial<EmbeddedStoreOptions> = {}): Promise<void> {
    await this.stop();
    await this.start(options);
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

/** How the stock client sends appends: with credentials it takes the unary call. */
export type Way = 'unary' | 'batch';
export const WAYS: readonly Way[] = ['unary', 'batch'];

/** A stable UUID for a small number. */
export function id(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
}

export function event(n: number, type = 'Happened'): ReturnType<typeof jsonEvent> {
  return jsonEvent({ id: id(n), type, data: { n } });
}

export type Outcome = number | 'wrong' | 'deleted' | `failed: ${string}`;

/** Appends and says in short how it went: the revision, or what was refused. */
export async function append(
  client: EventStoreDBClient,
  way: Way,
  { stream, expected, events }: { stream: string; expected: AppendExpectedRevision; events: readonly ReturnType<typeof jsonEvent>[] },
): Promise<Outcome> {
  const credentials = way === 'unary' ? { credentials: { username: 'any', password: 'any' } } : {};
  try {
    const result = await client.appendToStream(stream, [...events], { expectedRevision: expected, ...credentials });
    return Number(result.nextExpectedRevision);
  } catch (error) {
    const type = error instanceof Error && 'type' in error ? String(error.type) : String(error);
    if (type === 'wrong-expected-version') return 'wrong';
    return type === 'stream-deleted' ? 'deleted' : `failed: ${type}`;
  }
}

export interface Seen {
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
}

/** The events of a stream, or undefined when it does not exist. */
export async function readIds(client: EventStoreDBClient, stream: string): Promise<number[] | undefined> {
  const ids: number[] = [];
  try {
    for await (const { event: found } of client.readStream<JSONEventType>(stream)) if (found) ids.push(Number(found.id.slice(-12)));
  } catch (error) {
    if (error instanceof Error && 'type' in error && error.type === 'stream-not-found') return undefined;
    throw error;
  }
  return ids;
}
