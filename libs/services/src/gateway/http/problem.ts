import type { ProblemV1 } from '@tallystick/contracts';

/** Where the codes are explained; relative to the project's documentation. */
const TYPE_BASE = 'https://tallystick.dev/problems';

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is not valid', 401: 'Who are you', 403: 'Not allowed', 404: 'Not found', 405: 'Method not allowed', 406: 'Not acceptable', 409: 'Not as things stand', 413: 'Too large',
  415: 'Unsupported media type', 422: 'Refused', 429: 'Too many requests', 500: 'Something is wrong here', 503: 'Not available now', 504: 'No answer in time',
};

export interface ProblemParts {
  readonly status: number;
  /** Stable, UPPER_SNAKE. */
  readonly code: string;
  readonly detail: string;
  readonly checks?: ProblemV1['checks'] | undefined;
  /** Extension members beside those of RFC 9457. */
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown by use cases and controllers; the filter writes it as RFC 9457. */
export class Problem extends Error {
  readonly parts: ProblemParts;

  constructor(parts: ProblemParts) {
    super(`${parts.code}: ${parts.detail}`);
    this.name = 'Problem';
    this.parts = parts;
  }
}

export const problemBody = ({ status, code, detail, checks, extra }: ProblemParts, requestId: string, instance: string): ProblemV1 & Readonly<Record<string, unknown>> => ({
  ...extra,
  type: `${TYPE_BASE}/${code.toLowerCase().replaceAll('_', '-')}`, title: TITLES[status] ?? 'Error', status, detail, instance, request_id: requestId, code,
  ...(checks === undefined ? {} : { checks }),
});
