import { memoryUsage } from 'node:process';

export interface MemoryAnswer {
  readonly rss: number;
  readonly heap_used: number;
  readonly external: number;
}

type Answers = Readonly<Record<string, () => unknown>>;

/** How the bench's own processes are asked for numbers; `memory` is answered after two full collections. */
export const serveChannel = (ready: object, answers: Answers, stop: () => Promise<void>): void => {
  const all: Answers = {
    memory: (): MemoryAnswer => {
      globalThis.gc?.();
      globalThis.gc?.();
      const { rss, heapUsed, external } = memoryUsage();
      return { rss, heap_used: heapUsed, external };
    },
    ...answers,
  };
  process.on('message', ({ id, question }: { readonly id: number; readonly question: string }) => {
    void Promise.resolve(all[question]?.()).then((answer) => process.send?.({ id, answer: answer ?? null }));
  });
  process.once('SIGTERM', () => void stop().finally(() => process.exit(0)));
  // Whoever started this is gone: nobody will ever ask again.
  process.once('disconnect', () => process.exit(0));
  process.send?.({ ready });
};

/** Sums of all series of each metric in Prometheus text, by name. */
export const sumsOf = (text: string): Readonly<Record<string, number>> => {
  const sums: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const match = /^([a-z_]+)(?:\{[^}]*\})? ([0-9.e+-]+)$/.exec(line);
    if (match?.[1] !== undefined) sums[match[1]] = (sums[match[1]] ?? 0) + Number(match[2]);
  }
  return sums;
};
