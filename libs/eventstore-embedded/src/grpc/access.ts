import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http2';
import { GRPC } from './call.ts';
import type { Failure } from './call.ts';

export interface AccessRules {
  /** Passwords by user; absent means that nobody has to say who they are. */
  readonly users?: ReadonlyMap<string, string>;
  /** With users: may a call without credentials pass. */
  readonly anonymous: boolean;
}

const REFUSED: Failure = { code: GRPC.UNAUTHENTICATED, message: 'the user or the password is wrong, or none was given' };

/** Checks the Basic credentials of each call, remembering the ones that passed: they are the same on every call of a client. */
export class AccessCheck {
  private readonly rules: AccessRules;
  private readonly passed = new Set<string>();

  constructor(rules: AccessRules) {
    this.rules = rules;
  }

  /** Undefined when the call may go on. */
  refuse(headers: IncomingHttpHeaders): Failure | undefined {
    const { users, anonymous } = this.rules;
    if (users === undefined) return undefined;
    const { authorization } = headers;
    if (authorization === undefined) return anonymous ? undefined : REFUSED;
    if (this.passed.has(authorization)) return undefined;
    const [name, password] = basicCredentials(authorization);
    const expected = name === undefined ? undefined : users.get(name);
    if (expected === undefined || password === undefined || !isSame(expected, password)) return REFUSED;
    this.passed.add(authorization);
    return undefined;
  }
}

function basicCredentials(header: string): [string | undefined, string | undefined] {
  const match = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header);
  if (match === null) return [undefined, undefined];
  const text = Buffer.from(match[1]!, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? [undefined, undefined] : [text.slice(0, colon), text.slice(colon + 1)];
}

/** Of hashes, so that the time taken says nothing about how much was right. */
function isSame(a: string, b: string): boolean {
  return timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'));
}
