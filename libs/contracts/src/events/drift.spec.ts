import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { eventsOf, shapeOf } from './definition.ts';

type Sample = { readonly type: 'Happened'; readonly data: { readonly id: string; readonly at_ms?: number } } | { readonly type: 'Ended'; readonly data: { readonly ids: readonly string[] } };

const happened = { schemaVersion: 1, description: '', schema: z.strictObject({ id: z.string(), at_ms: z.int().optional() }) };
const ended = { schemaVersion: 1, description: '', schema: z.strictObject({ ids: z.array(z.string()) }) };

/** The check is the compiler's: each expected error below fails the type check when it is no error. */
describe('event definitions', () => {
  it('compile when they have the shape of the domain events', () => {
    expect(eventsOf<Sample>()({ Happened: happened, Ended: ended }).Happened).toBe(happened);
  });

  it('do not compile when they differ', () => {
    // @ts-expect-error an optional member of the domain is missing
    eventsOf<Sample>()({ Happened: { ...happened, schema: z.strictObject({ id: z.string() }) }, Ended: ended });
    // @ts-expect-error a member that the domain does not have
    eventsOf<Sample>()({ Happened: { ...happened, schema: z.strictObject({ id: z.string(), at_ms: z.int().optional(), by: z.string().optional() }) }, Ended: ended });
    // @ts-expect-error optional in the domain, required here
    eventsOf<Sample>()({ Happened: { ...happened, schema: z.strictObject({ id: z.string(), at_ms: z.int() }) }, Ended: ended });
    // @ts-expect-error another type of member
    eventsOf<Sample>()({ Happened: happened, Ended: { ...ended, schema: z.strictObject({ ids: z.array(z.int()) }) } });
    // @ts-expect-error an event without a definition
    eventsOf<Sample>()({ Happened: happened });
    // @ts-expect-error a definition without an event
    eventsOf<Sample>()({ Happened: happened, Ended: ended, Began: ended });
    // @ts-expect-error a shared shape that differs
    const shape = shapeOf<{ readonly a: 'x' | 'y' }>()(z.strictObject({ a: z.enum(['x']) }));
    expect(shape.safeParse({ a: 'x' }).success).toBe(true);
  });
});
