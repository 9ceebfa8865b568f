import { StoreError } from '../errors.ts';
import type { StoreLog } from '../log.ts';

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

/**
 * Refuses with `STORE_EXPOSED` to listen where other machines can reach it unless calls are encrypted and say who they are
 * from. Says in the log whoever may call without saying who they are.
 */
export function checkExposure(exposure: Exposure, log: StoreLog): void {
  const { host, hasTls, hasUsers, anonymous, insecure } = exposure;
  const isOpen = !hasUsers || anonymous;
  if (LOOPBACK.test(host)) {
    if (isOpen) log.write('info', 'store_anonymous_on_loopback', { host });
    // Its client sends credentials over TLS alone.
    else if (!hasTls) log.write('warn', 'store_users_without_tls', { host, detail: 'the official client sends no credentials without TLS' });
    return;
  }
  const missing = [...(hasTls ? [] : ['TLS']), ...(isOpen ? ['users'] : [])];
  if (missing.length === 0) return;
  const detail = `other machines can reach ${host}, and there ${missing.length === 1 ? 'is' : 'are'} no ${missing.join(' and no ')}`;
  if (!insecure) {
    throw new StoreError(
      'STORE_EXPOSED',
      detail,
      'Give it a certificate and its key and a list of users, or let it listen on 127.0.0.1. To run it open on a network that nobody else is on, say so explicitly (insecure).',
    );
  }
  log.write('warn', 'store_insecure', { host, detail });
}
