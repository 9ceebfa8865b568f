/** Untyped JSON, read member by member: the oracles know the words of the log and the book, not the product's types for them. */
export type Json = Readonly<Record<string, unknown>>;

export const asJson = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
export const at = (value: unknown, ...path: readonly string[]): unknown => path.reduce<unknown>((inner, member) => asJson(inner)[member], value);
export const text = (value: unknown, ...path: readonly string[]): string => {
  const found = at(value, ...path);
  return typeof found === 'string' || typeof found === 'number' || typeof found === 'bigint' ? String(found) : '';
};
export const list = (value: unknown, ...path: readonly string[]): readonly unknown[] => {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
};
export const has = (value: unknown, member: string): boolean => asJson(value)[member] !== undefined;
