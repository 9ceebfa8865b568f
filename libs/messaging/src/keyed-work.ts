/** One piece of work. `owner` tells whose it is, so that one owner can take back what has not begun. */
export interface Job {
  readonly key: string;
  readonly owner: object;
  /** Must not reject. */
  run(): Promise<void>;
}

/** Runs jobs of one key one after the other, jobs of different keys at once, at most so many in all. */
export interface KeyedWork {
  submit(job: Job): void;
  /** Takes back the owner's jobs that have not begun, those of one key or all, in their order. */
  withdraw(owner: object, key?: string): readonly Job[];
  running(): number;
}

export const createKeyedWork = (concurrencyMax: number): KeyedWork => {
  // The first of each list is the one running, or the next to run.
  const byKey = new Map<string, Job[]>();
  const ready: string[] = [];
  const active = new Set<string>();

  const pump = (): void => {
    while (active.size < concurrencyMax) {
      const key = ready.shift();
      if (key === undefined) return;
      const job = byKey.get(key)?.[0];
      // A key withdrawn and submitted again stands in `ready` twice; it still runs one at a time.
      if (job === undefined || active.has(key)) continue;
      active.add(key);
      void job.run().finally(() => {
        active.delete(key);
        const jobs = byKey.get(key) ?? [];
        jobs.shift();
        if (jobs.length === 0) byKey.delete(key);
        else ready.push(key);
        pump();
      });
    }
  };

  const withdrawKey = (key: string, owner: object): readonly Job[] => {
    const jobs = byKey.get(key) ?? [];
    const begun = active.has(key) ? jobs.slice(0, 1) : [];
    const waiting = jobs.slice(begun.length);
    const taken = waiting.filter((job) => job.owner === owner);
    const left = [...begun, ...waiting.filter((job) => job.owner !== owner)];
    if (left.length === 0) byKey.delete(key);
    else byKey.set(key, left);
    return taken;
  };

  return {
    submit: (job) => {
      const jobs = byKey.get(job.key);
      if (jobs !== undefined) {
        jobs.push(job);
        return;
      }
      byKey.set(job.key, [job]);
      ready.push(job.key);
      pump();
    },
    withdraw: (owner, key) => (key !== undefined ? [key] : [...byKey.keys()]).flatMap((each) => withdrawKey(each, owner)),
    running: () => active.size,
  };
};
