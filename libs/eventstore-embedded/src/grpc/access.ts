import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http2';
import { GRPC } from './call.ts';
import type { Failure } from './call.ts';

/** `admin` may do anything, `service` what the services do, `read` appends and deletes nothing. */
export type Role = 'admin' | 'service' | 'read';
export const ROLES: readonly Role[] = ['admin', 'service', 'read'];

export interface StoreUser {
  readonly password: string;
  readonly role: Role;
}

/** Who a call is from: a user's role, or somebody who did not say. */
export type Caller = Role | 'anonymous';

export interface AccessRules {
  /** By user name; absent means that nobody has to say who they are. */
  readonly users?: ReadonlyMap<string, StoreUser>;
  /** With users: may a call without credentials pass. */
  readonly anonymous: boolean;
}

/** What a call is told that was not admitted: the same whether user or password is wrong. */
export const NOT_ADMITTED: Failure = { code: GRPC.UNAUTHENTICATED, message: 'the user or the password is wrong, or none was given' };
/** Compared with when there is no such user, so that the time taken does not tell. */
const NOBODY: StoreUser = { password: '', role: 'read' };
/** Spellings of right credentials that are remembered: one a user is usual, but a client can write the same in many ways. */
const PASSED_MAX = 1_000;

/** Checks the Basic credentials of each call, remembering the ones that passed: they are the same on every call of a client. */
export class AccessCheck {
  private readonly rules: AccessRules;
  private readonly passed = new Map<string, Role>();
  /** Calls refused since the start. */
  refused = 0;

  constructor(rules: AccessRules) {
    this.rules = rules;
  }

  /** Who the call is from, or undefined when it may not go on. */
  admit(headers: IncomingHttpHeaders): Caller | undefined {
    const { users, anonymous } = this.rules;
    if (users === undefined) return 'anonymous';
    const { authorization } = headers;
    if (authorization === undefined && anonymous) return 'anonymous';
    const role = authorization === undefined ? undefined : (this.passed.get(authorization) ?? this.check(authorization, users));
    if (role === undefined) this.refused++;
    return role;
  }

  private check(authorization: string, users: ReadonlyMap<string, StoreUser>): Role | undefined {
    const [name, password] = basicCredentials(authorization);
    const user = users.get(name) ?? NOBODY;
    if (!isSame(user.password, password) || user === NOBODY) return undefined;
    if (this.passed.size >= PASSED_MAX) this.passed.clear();
    this.passed.set(authorization, user.role);
    return user.role;
  }
}

function basicCredentials(header: string): [string, string] {
  const match = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header);
  if (match === null) return ['', ''];
  const text = Buffer.from(match[1]!, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? ['', ''] : [text.slice(0, colon), text.slice(colon + 1)];
}

/** Of hashes, so that the time taken says nothing about how much was right. */
function isSame(a: string, b: string): boolean {
  return timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'));
}
