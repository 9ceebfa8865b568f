/** What is known of something thrown. By its members, not by `instanceof`: an error may come from another realm. */

const member = (error: unknown, key: 'code' | 'message'): string | undefined => {
  const value: unknown = typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[key] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
};

export const codeOf = (error: unknown, otherwise: string): string => member(error, 'code') ?? otherwise;
export const messageOf = (error: unknown): string => member(error, 'message') ?? member(error, 'code') ?? String(error);
