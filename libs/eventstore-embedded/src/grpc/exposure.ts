import { StoreError } from '../errors.ts';

export interface Exposure {
  /** Address it listens on. */
  readonly host: string;
  readonly hasTls: boolean;
  readonly hasUsers: boolean;
  /** With users: may calls without credentials pass. */
  readonly anonymous: boolean;
  /** Somebody decided that others can reach it all the same. */
  readonly insecure: boolean;
}

/** Addresses only, and the one name that is reserved for them: any other may lead anywhere. */
const LOOPBACK = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|localhost)$/i;

/** What the log says, once it listens, of who may call. */
export interface ExposureNote {
  readonly level: 'info' | 'warn';
  readonly event: 'store_anonymous_on_loopback' | 'store_users_without_tls' | 'store_insecure';
  readonly fields: Readonly<Record<string, string>>;
}

/**
 * Refuses with `STORE_EXPOSED` to listen where other machines can reach it unless calls are encrypted and say who they are
 * from. Gives what is worth saying when that is not so and still allowed.
 */
export function checkExposure({ host, hasTls, hasUsers, anonymous, insecure }: Exposure): ExposureNote | undefined {
  const isOpen = !hasUsers || anonymous;
  if (LOOPBACK.test(host)) {
    if (isOpen) return { level: 'info', event: 'store_anonymous_on_loopback', fields: { host } };
    if (hasTls) return undefined;
    return { level: 'warn', event: 'store_users_without_tls', fields: { host, detail: 'the official client sends no credentials without TLS' } };
  }
  const missing = [...(hasTls ? [] : ['TLS']), ...(isOpen ? ['users'] : [])];
  if (missing.length === 0) return undefined;
  const detail = `other machines can reach ${host}, and there ${missing.length === 1 ? 'is' : 'are'} no ${missing.join(' and no ')}`;
  if (insecure) return { level: 'warn', event: 'store_insecure', fields: { host, detail } };
  throw new StoreError(
    'STORE_EXPOSED',
    detail,
    'Give it a certificate and its key and a list of users, or let it listen on 127.0.0.1. To run it open on a network that nobody else is on, say so explicitly (insecure).',
  );
}
