/** Who may write a category. The store's access rules and the tests are made from this table. */
export type Writer = 'intents' | 'risk' | 'execution' | 'fills' | 'supervisor' | 'gateway' | 'bootstrap';

export interface StreamCategory {
  readonly prefix: string;
  readonly writers: readonly Writer[];
  readonly holds: string;
}

export const CATEGORIES = {
  intent: { prefix: 'intent-', writers: ['intents'], holds: 'one intent: accepted or refused, and every conflicting repeat' },
  order: { prefix: 'order-', writers: ['risk', 'execution', 'fills', 'supervisor'], holds: 'the life of one order' },
  riskGroup: { prefix: 'riskGroup-', writers: ['risk'], holds: 'decisions, reservations and trades of a risk group on one trading day' },
  venueReport: { prefix: 'venueReport-', writers: ['execution'], holds: 'raw reports of one account on one day, as the venue gave them' },
  quarantine: { prefix: 'quarantine-', writers: ['fills'], holds: 'reports of an account that belong to no order of ours, with their reason' },
  reconciliation: { prefix: 'reconciliation-', writers: ['fills'], holds: 'what the venue says an account holds, beside what we say' },
  policy: { prefix: 'policy-', writers: ['bootstrap', 'gateway'], holds: 'activations of one policy' },
  instrument: { prefix: 'instrument-', writers: ['bootstrap', 'supervisor'], holds: 'instruments of one venue' },
  rate: { prefix: 'rate-', writers: ['bootstrap', 'supervisor'], holds: 'currency rates of one base currency' },
  process: { prefix: 'process-', writers: ['supervisor'], holds: 'desired and actual state of one strategy instance' },
  lease: { prefix: 'lease-', writers: ['risk', 'execution', 'supervisor'], holds: 'who owns a role of a risk group; the revision is the epoch' },
  kill: { prefix: 'kill', writers: ['bootstrap', 'gateway', 'execution'], holds: 'the kill switch; unreadable or missing means engaged' },
  checkpoint: { prefix: 'checkpoint-', writers: ['fills', 'supervisor'], holds: 'how far a driven service has come in the log' },
  anchor: { prefix: 'anchor-', writers: ['execution', 'gateway'], holds: 'doubts about the log itself: what was known to be in it and is not, and what an operator accepted instead' },
  audit: { prefix: 'audit-', writers: ['intents', 'risk', 'execution', 'gateway'], holds: 'what was refused before it could be given a stream of its own' },
} as const satisfies Record<string, StreamCategory>;

export const intentStream = (intentKey: string): string => `intent-${intentKey}`;
export const orderStream = (orderId: string): string => `order-${orderId}`;
/** `tradingDay` is `YYYY-MM-DD`. */
export const riskGroupStream = (riskGroup: string, tradingDay: string): string => `riskGroup-${riskGroup}-${tradingDay}`;
export const venueReportStream = (account: string, day: string): string => `venueReport-${account}-${day}`;
export const quarantineStream = (account: string): string => `quarantine-${account}`;
export const reconciliationStream = (account: string): string => `reconciliation-${account}`;
export const policyStream = (name: string): string => `policy-${name}`;
export const instrumentStream = (venue: string): string => `instrument-${venue}`;
export const rateStream = (base: string): string => `rate-${base}`;
export const processStream = (instanceId: string): string => `process-${instanceId}`;
export const leaseStream = (role: string, riskGroup: string): string => `lease-${role}-${riskGroup}`;
export const killStream = (): string => 'kill';
export const checkpointStream = (service: string): string => `checkpoint-${service}`;
/** Of one role that keeps an anchor of the log. */
export const anchorStream = (role: string): string => `anchor-${role}`;
/** One writer each: `writer` is the service's instance. */
export const auditStream = (writer: string): string => `audit-${writer}`;

/** The order id of an `order-` stream, `undefined` for any other. */
export const orderIdOfStream = (stream: string): string | undefined => (stream.startsWith('order-') ? stream.slice('order-'.length) : undefined);

/** Ids that go into stream names, subjects and URLs: no separator that means something to any of them. */
export const ID_TEXT = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** Names that every JavaScript object answers to: as the key of a record they would find something where nothing was put. */
export const isUsableName = (name: string): boolean => !(name in Object.prototype);
