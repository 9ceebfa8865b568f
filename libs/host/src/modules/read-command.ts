import type { HandlerOutcome } from '@tallystick/ports';
import type { z } from 'zod';

/** A command that is not one is poison: it goes to the dead letters with what was wrong. */
export const readCommand = async <T>(schema: z.ZodType<T>, body: unknown, work: (command: T) => Promise<HandlerOutcome>): Promise<HandlerOutcome> => {
  const parsed = schema.safeParse(body);
  if (parsed.success) return work(parsed.data);
  const detail = parsed.error.issues.map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}`).join('; ');
  return { kind: 'poison', code: 'SCHEMA_INVALID', detail: detail.slice(0, 512) };
};
