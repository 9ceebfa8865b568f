import { join } from 'node:path';
import { processConfig, type ProcessConfig } from '@tallystick/host';
import { loadConfig } from '@tallystick/platform';
import { GatewayConfigSchema, type GatewayConfig } from '@tallystick/services/gateway';

export interface GatewayProcessConfig {
  readonly process: ProcessConfig;
  readonly gateway: GatewayConfig;
  readonly tokensFile: string;
  /** Disposable: folded again from the log where it is missing. */
  readonly readModelFile: string;
}

/** Throws one line per wrong variable (CONFIG_INVALID). */
export const readConfig = (env: Readonly<Record<string, string | undefined>>): GatewayProcessConfig => {
  const process = processConfig(env);
  const gateway = loadConfig(GatewayConfigSchema, env);
  if (!gateway.ok) throw new Error(`${gateway.code}\n${gateway.detail}`);
  return { process, gateway: gateway.config, tokensFile: join(process.dataDir, 'tokens.json'), readModelFile: join(process.dataDir, 'read-model', 'gateway.sqlite') };
};
