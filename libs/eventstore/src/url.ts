/** A connection string that cannot be used. The message never holds the string, which may carry a password. */
export class StoreUrlError extends Error {
  override readonly name = 'StoreUrlError';
  readonly code = 'STORE_URL_INVALID';
}

/** Where the store is, as it may be shown: scheme and hosts, no user and no password. */
export interface StoreUrl {
  readonly connectionString: string;
  readonly shown: string;
  /** The client leaves credentials out on an unencrypted connection, whatever the string says. */
  readonly credentialsIgnored: boolean;
}

// What the client understands. It prints the whole string, password included, for any other key and for tlsVerifyCert=false.
const KNOWN_OPTIONS = new Set([
  'connectionname',
  'defaultdeadline',
  'discoveryinterval',
  'gossiptimeout',
  'keepaliveinterval',
  'keepalivetimeout',
  'maxdiscoverattempts',
  'nodepreference',
  'throwonappendfailure',
  'tls',
  'tlscafile',
  'tlsverifycert',
  'usercertfile',
  'userkeyfile',
]);
// The client's own default, and the least it accepts without a warning.
const KEEP_ALIVE_MS = 10_000;
// How far the keep-alive is spread; far below anything one would notice.
const KEEP_ALIVE_SPREAD_MS = 1_000;

const flat = (key: string): string => key.trim().toLowerCase().replaceAll(/[_-]/g, '');

/**
 * Checks a connection string (`esdb://` or `esdb+discover://`) and fills in the connection's name.
 *
 * `nth` numbers the adapters of this process. gRPC shares a TCP connection between channels whose options are equal, so each
 * adapter gets a keep-alive of its own: one adapter that gives its connection up cannot be handed the same one again by another.
 *
 * Throws `StoreUrlError` for another scheme, an option the client does not know, or `tlsVerifyCert=false` (the client ignores it).
 */
export function prepareStoreUrl(url: string, connectionName: string, nth: number): StoreUrl {
  const trimmed = url.trim().replace(/\/+$/, '');
  const parts = /^(?<scheme>esdb(?:\+discover)?:\/\/)(?<credentials>[^:@/?]+:[^@]+@)?(?<hosts>[^?@]+?)\/?(?:\?(?<query>.*))?$/.exec(trimmed)?.groups;
  if (parts === undefined) throw new StoreUrlError('the event store url must look like esdb://user:password@host:2113?tls=true');
  const { scheme = '', credentials = '', hosts = '', query = '' } = parts;
  const given = new Map<string, string>();
  for (const pair of query.split('&').filter((text) => text !== '')) {
    const [key = '', value = ''] = pair.split('=', 2);
    if (!KNOWN_OPTIONS.has(flat(key)) || value === '') throw new StoreUrlError(`the event store url has an option it cannot use: ${key}`);
    given.set(flat(key), value);
  }
  if (given.get('tlsverifycert') === 'false') {
    throw new StoreUrlError('tlsVerifyCert=false has no effect in this client: give the authority with tlsCAFile');
  }
  const added: string[] = [];
  if (!given.has('connectionname')) added.push(`connectionName=${encodeURIComponent(connectionName)}`);
  if (!given.has('keepaliveinterval')) added.push(`keepAliveInterval=${KEEP_ALIVE_MS + (nth % KEEP_ALIVE_SPREAD_MS)}`);
  const options = [...query.split('&').filter((text) => text !== ''), ...added].join('&');
  return {
    connectionString: `${scheme}${credentials}${hosts}${options === '' ? '' : `?${options}`}`,
    shown: `${scheme}${hosts}`,
    credentialsIgnored: credentials !== '' && given.get('tls') === 'false',
  };
}
