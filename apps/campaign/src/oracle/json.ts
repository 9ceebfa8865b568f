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

/** The same text for the same content, whatever order its members came in. */
export const sameText = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(sameText).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  return `{${Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => `${JSON.stringify(name)}:${sameText(member)}`).join(',')}}`;
};
