import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { PolicyDocument } from '@tallystick/domain';
import { connectEventStore } from '@tallystick/eventstore';
import { bootstrap, loadSigner, paperMarketControl } from '@tallystick/host';
import { buildId, createLog, systemPorts } from '@tallystick/platform';
import { parse } from 'yaml';
import type { RecordConfig } from './config.ts';

export interface Recorded {
  readonly policy: string;
  readonly signedBy: string;
  readonly instruments: readonly string[];
}

/** A store that is still starting refuses; asking it more often finds nothing new. */
const RETRY_MS = 500;
const ROOT = join(import.meta.dirname, '..', '..', '..');

const readPolicy = (file: string): PolicyDocument => {
  try {
    return parse(readFileSync(file, 'utf8')) as PolicyDocument;
  } catch (error) {
    throw new Error(`POLICY_UNREADABLE: ${file}: ${error instanceof Error ? error.message : 'unreadable'}`, { cause: error });
  }
};

/**
 * Kill switch, instruments of the paper venue, and the paper policy for exactly these instruments, in the log. Waits for venue and
 * store; rejects with BOOTSTRAP_TIMED_OUT and the last reason after `bootstrapMsMax`, with KEYS_UNREADABLE or POLICY_UNREADABLE at once.
 */
export const record = async (config: RecordConfig, env: Readonly<Record<string, string | undefined>>): Promise<Recorded> => {
  const build = buildId(env);
  const log = createLog({ service: 'bootstrap', instance: `bootstrap-${process.pid}`, build });
  const ports = systemPorts({ log });
  const policySigner = loadSigner(config.dataDir, 'policy');
  const file = config.policyFile ?? join(ROOT, 'deploy/policy/paper.yaml');
  const document = readPolicy(file);
  const store = connectEventStore({ url: config.storeUrl, ports, log, connectionName: 'bootstrap' });
  let late = false;
  const control = paperMarketControl(config.paperVenueUrl, config.venueControlToken.reveal(), (ms) => delay(ms), () => late);
  let reason = 'the paper venue did not answer';
  const attempt = async (): Promise<Recorded> => {
    const market = await control.market();
    const instruments = market.instruments.map((instrument) => ({ ...instrument, venue: 'paper' }));
    const policy = { ...document, instruments: instruments.map(({ symbol }) => symbol) };
    for (;;) {
      try {
        await bootstrap({ store, ports, build, policySigner, policy, instruments });
        return { policy: document.name, signedBy: policySigner.keyId, instruments: policy.instruments };
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error);
        if (late) throw error;
        log.write('warn', 'bootstrap.not_done_yet', { detail: reason });
        await delay(RETRY_MS);
      }
    }
  };
  const tooLate = new AbortController();
  const timeOut = async (): Promise<never> => {
    await delay(config.bootstrapMsMax, undefined, { signal: tooLate.signal });
    late = true;
    throw new Error(`BOOTSTRAP_TIMED_OUT: not done within ${config.bootstrapMsMax} ms: ${reason}`);
  };
  try {
    const attempted = attempt();
    attempted.catch(() => undefined);
    return await Promise.race([attempted, timeOut()]);
  } finally {
    tooLate.abort();
    await store.close();
    log.flush();
  }
};
