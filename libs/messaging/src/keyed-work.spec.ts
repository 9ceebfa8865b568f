import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createKeyedWork } from './keyed-work.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('keyed work', () => {
  it('runs one job per key at a time, in order, and never more than allowed, whatever comes and goes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), turns: fc.integer({ min: 0, max: 3 }), withdraw: fc.boolean() }), { maxLength: 40 }),
        async (concurrencyMax, plan) => {
          const work = createKeyedWork(concurrencyMax);
          const owner = {};
          const running = new Set<string>();
          const ran = new Map<string, number[]>();
          let most = 0;
          let left = 0;
          for (const [index, { key, turns, withdraw }] of plan.entries()) {
            left += 1;
            work.submit({
              key,
              owner,
              run: async () => {
                expect(running.has(key)).toBe(false);
                running.add(key);
                most = Math.max(most, running.size);
                for (let n = 0; n < turns; n += 1) await turn();
                ran.set(key, [...(ran.get(key) ?? []), index]);
                running.delete(key);
                left -= 1;
              },
            });
            if (withdraw) left -= work.withdraw(owner, key).length;
            if (index % 5 === 0) await turn();
          }
          while (left > 0) await turn();
          for (const indexes of ran.values()) expect(indexes).toEqual([...indexes].sort((a, b) => a - b));
          expect(most).toBeLessThanOrEqual(concurrencyMax);
          await turn();
          expect(work.running()).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('gives back only what has not begun, and only to its owner', async () => {
    const work = createKeyedWork(1);
    const [mine, other] = [{}, {}];
    let finish: () => void = () => undefined;
    const first = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const ran: string[] = [];
    const job = (name: string, owner: object, wait: Promise<void> = Promise.resolve()) => ({ key: 'a', owner, run: () => wait.then(() => void ran.push(name)) });
    work.submit(job('begun', mine, first));
    work.submit(job('waiting', mine));
    work.submit(job('of another', other));
    expect(work.withdraw(mine)).toHaveLength(1);
    finish();
    await turn();
    expect(ran).toEqual(['begun', 'of another']);
  });
});
