/** What a kill stops: `firm`, `account:<id>`, `strategy:<id>`, `instrument:<symbol>` or `venue:<id>`. */
export type KillScope = string;

export const KILL_SCOPE_KINDS = ['firm', 'account', 'strategy', 'instrument', 'venue'] as const;
export type KillScopeKind = (typeof KILL_SCOPE_KINDS)[number];

export interface ParsedKillScope {
  readonly kind: KillScopeKind;
  /** Absent for the firm. */
  readonly name?: string;
}

/** What an order is, as far as a scope asks. */
export interface KillSubject {
  readonly account: string;
  readonly strategy: string;
  readonly symbol: string;
  readonly venue: string;
}

/** Names of accounts, strategies and venues, and symbols such as BTC/USD; longer than any of them is a mistake. */
const SCOPE = /^(account|strategy|instrument|venue):([^\s\p{C}]{1,64})$/u;

/** `undefined` for what names no scope. */
export const parseKillScope = (text: string): ParsedKillScope | undefined => {
  if (text === 'firm') return { kind: 'firm' };
  const [, kind, name] = SCOPE.exec(text) ?? [];
  return kind === undefined || name === undefined ? undefined : { kind: kind as KillScopeKind, name };
};

/** Every scope that this order is in, the widest first. */
export const killScopesOf = ({ account, strategy, symbol, venue }: KillSubject): readonly KillScope[] =>
  ['firm', `venue:${venue}`, `account:${account}`, `strategy:${strategy}`, `instrument:${symbol}`];
