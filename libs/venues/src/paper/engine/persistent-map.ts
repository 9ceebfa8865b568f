/**
 * A map from text that is never changed, only succeeded: `set` shares all but one bucket with its predecessor. Ids of a hundred
 * thousand orders cost a copy of about a hundred entries each, not of all of them.
 */
export interface PersistentMap<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): PersistentMap<V>;
  readonly size: number;
}

const BUCKETS = 1024;

/** FNV-1a over code units; only spreads keys, protects nothing. */
const bucketOf = (key: string): number => {
  let hash = 2_166_136_261;
  for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), 16_777_619);
  return (hash ^ (hash >>> 16)) & (BUCKETS - 1);
};

const over = <V>(buckets: readonly (ReadonlyMap<string, V> | undefined)[], size: number): PersistentMap<V> => ({
  size,
  get: (key) => buckets[bucketOf(key)]?.get(key),
  set: (key, value) => {
    const index = bucketOf(key);
    const before = buckets[index];
    const bucket = new Map(before);
    bucket.set(key, value);
    const next = buckets.slice();
    next[index] = bucket;
    return over(next, size + (before?.has(key) ? 0 : 1));
  },
});

export const persistentMap = <V>(entries: Iterable<readonly [string, V]> = []): PersistentMap<V> => {
  const buckets = new Array<Map<string, V> | undefined>(BUCKETS).fill(undefined);
  let size = 0;
  for (const [key, value] of entries) {
    const index = bucketOf(key);
    const bucket = (buckets[index] ??= new Map());
    if (!bucket.has(key)) size += 1;
    bucket.set(key, value);
  }
  return over(buckets, size);
};
