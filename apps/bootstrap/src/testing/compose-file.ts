import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

const Service = z.looseObject({
  image: z.string(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.array(z.string()).default([]),
});
export type ComposeService = z.infer<typeof Service>;

/** `${NAME}`, `${NAME:-default}` and `${NAME:?message}`: all that the file uses. Throws on a required one that is missing. */
const interpolated = (text: string, env: Readonly<Record<string, string>>): string =>
  text.replaceAll(/\$\{([A-Z_]+)(?::([-?])([^}]*))?\}/g, (_all, name: string, kind: string | undefined, rest: string | undefined) => {
    const value = env[name] ?? '';
    if (value !== '') return value;
    if (kind === '?') throw new Error(`${name}: ${rest ?? ''}`);
    return kind === '-' ? (rest ?? '') : '';
  });

/** In every text of a value, after parsing, as compose does it. */
const filledIn = (value: unknown, env: Readonly<Record<string, string>>): unknown => {
  if (typeof value === 'string') return interpolated(value, env);
  if (Array.isArray(value)) return value.map((item) => filledIn(item, env));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filledIn(item, env)]));
};

/** Services of a compose file that run our image, by name, as `env` fills it in. */
export const readCompose = (path: string, env: Readonly<Record<string, string>>): ReadonlyMap<string, ComposeService> => {
  const file = filledIn(parse(readFileSync(path, 'utf8'), { merge: true }), env) as { readonly services: Readonly<Record<string, unknown>> };
  const services = Object.entries(file.services).filter(([, service]) => String((service as { readonly image?: unknown }).image).startsWith('tallystick:'));
  return new Map(services.map(([name, service]) => [name, Service.parse(service)]));
};

/** NAME=value lines, as `--env-file` takes them. */
export const readEnvFile = (path: string): Readonly<Record<string, string>> =>
  Object.fromEntries(readFileSync(path, 'utf8').split('\n').filter(Boolean).map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
