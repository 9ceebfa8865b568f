import type { z } from 'zod';
import { Problem } from './problem.ts';

/** Names under which a secret must never travel: URLs end in logs, histories and referrers. */
const SECRET_NAMES = ['access_token', 'token', 'api_key', 'apikey', 'authorization', 'bearer'];

const ISSUES_MAX = 10;

/** Issues of a zod parse as checks of a problem. */
export const checksOf = (error: z.ZodError): { readonly code: string; readonly detail: string; readonly field?: string }[] =>
  error.issues.slice(0, ISSUES_MAX).map((issue) => {
    const field = issue.path.map(String).join('.').slice(0, 128);
    return { code: 'INVALID', detail: issue.message.slice(0, 256), ...(field === '' ? {} : { field }) };
  });

export const refuseSecrets = (query: Readonly<Record<string, unknown>>): void => {
  const found = Object.keys(query).find((name) => SECRET_NAMES.includes(name.toLowerCase()));
  if (found === undefined) return;
  throw new Problem({ status: 400, code: 'TOKEN_IN_URL', detail: `${found} does not belong into a URL, where it ends in logs: send the token as "Authorization: Bearer <token>", and replace the one just shown` });
};

/** The query as its schema says; QUERY_INVALID names every member that is wrong or unknown. */
export const readQuery = <S extends z.ZodType>(schema: S, query: Readonly<Record<string, unknown>>): z.infer<S> => {
  const parsed = schema.safeParse({ ...query });
  if (parsed.success) return parsed.data;
  throw new Problem({ status: 400, code: 'QUERY_INVALID', detail: parsed.error.issues.map((issue) => `${issue.path.map(String).join('.') || 'query'}: ${issue.message}`).slice(0, ISSUES_MAX).join('; '), checks: checksOf(parsed.error) });
};
