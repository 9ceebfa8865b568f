import { ProblemV1 } from '@tallystick/contracts';
import { CliError, EXIT } from './errors.ts';
import type { Settings } from './settings.ts';

/** Longer than the gateway's own deadlines, so that its answer is heard. */
const REQUEST_MS_MAX = 15_000;

export interface ApiRequest {
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ApiAnswer<T> {
  readonly status: number;
  readonly body: T;
}

const FIXES: Readonly<Record<string, string>> = {
  TOKEN_MISSING: 'set TALLY_TOKEN, or name the data directory with --data',
  TOKEN_INVALID: 'the system may have been started fresh: take the token it printed, or name its data directory with --data',
  SCOPE_MISSING: 'use a token that has the scope',
  PROJECTION_BEHIND: 'ask again in a moment; tally status shows how far the read model is',
  OUTCOME_UNKNOWN: 'repeat the same command with the same --key: it is never acted on twice',
  INTENT_KEY_CONFLICT: 'use another --key for a different intent; tally intent show <intent key> shows the first',
  ORDER_UNKNOWN: 'tally order list shows the orders there are',
  ACCOUNT_UNKNOWN: 'tally account show shows the accounts there are',
  SAME_PERSON: 'another operator releases it with a token of their own',
  KILL_NOT_ENGAGED: 'tally kill status shows what is engaged',
  KILL_FILE_PRESENT: 'remove the file on the execution host, then release',
  FLATTEN_NOT_AVAILABLE: 'tally kill engage <scope> --cancel',
  IDEMPOTENCY_KEY_MISMATCH: 'leave --key away, or make it the one in the file',
  NOTHING_TO_ACCEPT: 'tally status shows what is wrong, if anything is',
  BUS_UNAVAILABLE: 'tally status shows what is down; ask again when it is back',
};

const exitOf = (status: number): number => (status === 401 || status === 403 ? EXIT.auth : status === 422 ? EXIT.refused : status === 400 || status === 413 ? EXIT.usage : EXIT.failed);

const problemOf = (status: number, body: unknown): CliError => {
  const problem = ProblemV1.safeParse(body);
  if (!problem.success) return new CliError({ code: 'ANSWER_UNREADABLE', message: `the gateway answered ${status} with something that is no problem document`, fix: 'check that --url names a Tallystick gateway', exit: EXIT.failed });
  const { code, detail, request_id: requestId, checks = [] } = problem.data;
  return new CliError({
    code, message: detail, requestId, fix: FIXES[code], exit: exitOf(status),
    reasons: checks.length > 1 ? checks.map((check) => `${check.code}${check.field === undefined ? '' : ` ${check.field}`}: ${check.detail}`) : [],
  });
};

const unreachable = (url: string, error: unknown): CliError => {
  const late = error instanceof Error && error.name === 'TimeoutError';
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
  return new CliError({
    code: late ? 'GATEWAY_SILENT' : 'GATEWAY_UNREACHABLE', message: late ? `${url} did not answer within ${REQUEST_MS_MAX / 1000} s` : `${url} cannot be reached${cause === '' ? '' : ` (${cause})`}`,
    fix: 'start the system with npm start, or name another gateway with --url or TALLY_URL', exit: EXIT.failed,
  });
};

/** The gateway's API, with this operator's token. */
export class Api {
  constructor(private readonly settings: Settings) {}

  async get<T>(path: string, query: ApiRequest['query'] = {}): Promise<T> {
    return (await this.send<T>('GET', path, { query })).body;
  }

  /** Throws CliError for every answer that is no success. */
  async send<T>(method: 'GET' | 'POST', path: string, { query = {}, body, headers = {} }: ApiRequest = {}): Promise<ApiAnswer<T>> {
    const { url } = this.settings;
    const asked = new URLSearchParams(Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)).toString();
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${url}${path}${asked === '' ? '' : `?${asked}`}`, {
        method, signal: AbortSignal.timeout(REQUEST_MS_MAX), redirect: 'error',
        headers: { authorization: `Bearer ${this.settings.token()}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      text = await response.text();
    } catch (error) {
      throw error instanceof CliError ? error : unreachable(url, error);
    }
    let read: unknown;
    try {
      read = JSON.parse(text);
    } catch {
      read = undefined;
    }
    if (!response.ok || read === undefined) throw problemOf(response.status, read);
    return { status: response.status, body: read as T };
  }
}
