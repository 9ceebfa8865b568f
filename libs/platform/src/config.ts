import { z } from 'zod';
import { Secret } from './secret.ts';

export interface ConfigIssue {
  /** The environment variable. */
  readonly variable: string;
  readonly message: string;
}

export type LoadedConfig<T> =
  | { readonly ok: true; readonly config: T }
  /** `detail` names every variable that is wrong, one a line, without any value. */
  | { readonly ok: false; readonly code: 'CONFIG_INVALID'; readonly issues: readonly ConfigIssue[]; readonly detail: string };

/** A variable whose value is never shown. */
export const secretVariable = (): z.ZodType<Secret, string> =>
  z
    .string()
    .min(1)
    .transform((value) => new Secret(value));

/** `true`, `false`, `1`, `0`, `yes`, `no`, `on`, `off`. */
export const booleanVariable = (): z.ZodType<boolean, string> => z.stringbool({ truthy: ['true', '1', 'yes', 'on'], falsy: ['false', '0', 'no', 'off'] });

/** A whole number within bounds, written in digits. */
export const integerVariable = (min: number, max: number): z.ZodType<number, string> =>
  z
    .string()
    .regex(/^-?\d{1,15}$/, 'is not a whole number')
    .transform(Number)
    .pipe(z.number().min(min).max(max));

/** `natsUrl` is `TALLY_NATS_URL`. */
export const variableOf = (key: string): string => `TALLY_${key.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()}`;

/**
 * Reads the variables of a schema's members from `env`: member `natsUrl` is `TALLY_NATS_URL`, unless `names` gives it another name
 * (`{esdbUrl: 'ESDB_URL'}`). An empty variable counts as missing. All that is wrong is reported at once.
 */
export const loadConfig = <S extends z.ZodObject>(
  schema: S,
  env: Readonly<Record<string, string | undefined>>,
  names: Readonly<Record<string, string>> = {},
): LoadedConfig<z.infer<S>> => {
  const nameOf = (key: string): string => names[key] ?? variableOf(key);
  const raw: Record<string, string> = {};
  for (const key of Object.keys(schema.shape)) {
    const value = env[nameOf(key)];
    if (value !== undefined && value.trim() !== '') raw[key] = value.trim();
  }
  const parsed = schema.safeParse(raw);
  if (parsed.success) return { ok: true, config: parsed.data };
  const issues = parsed.error.issues.map((issue): ConfigIssue => {
    const key = String(issue.path[0] ?? '');
    const variable = key === '' ? 'configuration' : nameOf(key);
    const missing = key !== '' && raw[key] === undefined;
    return { variable, message: missing ? 'is missing' : withoutValue(issue.message, raw[key]) };
  });
  return { ok: false, code: 'CONFIG_INVALID', issues, detail: issues.map(({ variable, message }) => `${variable}: ${message}`).join('\n') };
};

/** A schema's own messages may quote what they refuse. */
const withoutValue = (message: string, value: string | undefined): string => (value === undefined ? message : message.replaceAll(value, '…'));
