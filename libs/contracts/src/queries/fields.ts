import { z } from 'zod';
import { ID_TEXT } from '../streams/streams.ts';

/**
 * Fields of what is asked and answered. Answers are plain objects: who reads them must ignore members it does not know, so that
 * a later release can add some. Requests are strict: a mistyped member must not be silently dropped.
 */
export const version = z.literal(1);
export const name = z.string().regex(ID_TEXT);
export const count = z.int().min(0);

/** Page sizes: enough for a screen, few enough for one answer. */
export const LIMIT_DEFAULT = 100;
export const LIMIT_MAX = 1000;

/** Answers carry the log position they are made of; a read may ask for at least that one (`min_position`) or for an earlier state (`as_of`). */
export const asOfPosition = { position: z.string().regex(/^(-1|\d+)$/).describe('Log position of the newest event in this answer.') };

export const ProblemV1 = z
  .object({
    type: z.string().describe('Address of the page that describes the problem.'),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    instance: z.string().optional(),
    request_id: z.string(),
    /** Stable; programs act on this one. */
    code: z.string().regex(/^[A-Z][A-Z0-9_]*$/),
    checks: z.array(z.object({ code: z.string(), detail: z.string(), field: z.string().optional(), observed: z.string().optional(), limit: z.string().optional() })).optional(),
    /** Of an intent that was recorded all the same, or may be: its receipt. */
    receipt: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'ProblemV1', description: 'RFC 9457 problem details, with the request id, a stable code and what was checked.' });
export type ProblemV1 = z.infer<typeof ProblemV1>;

/** One page of `item`s. `next` is opaque and goes into `cursor`; without it there are no more. */
export const pageOf = <T extends z.ZodType>(id: string, item: T) =>
  z.object({ version, items: z.array(item), next: z.string().optional(), ...asOfPosition }).meta({ id, description: 'One page. `next`, where there is one, is the cursor of the page after it.' });

export interface PageV1<T> {
  readonly version: 1;
  readonly items: readonly T[];
  readonly next?: string;
  readonly position: string;
}
