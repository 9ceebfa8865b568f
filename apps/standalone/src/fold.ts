import { decodeAudit, decodeIntent, decodeOrder, decodeQuarantine, orderIdOfStream } from '@tallystick/contracts';
import { evolveOrder, NO_ORDER, type OrderState } from '@tallystick/domain';
import type { EventStore, RecordedEvent } from '@tallystick/ports';

/** What a summary is made of: our own log, folded from its beginning, whoever wrote it and whatever they remember. */
export interface Ledger {
  readonly intents: { accepted: number; refused: number; conflicts: number; malformed: number };
  /** Orders that an accepted intent stands for, decided or not. */
  readonly legs: Set<string>;
  readonly orders: Map<string, OrderState>;
  /** Order and execution id of every fill, in the order of the log. */
  readonly fills: { readonly orderId: string; readonly execId: string }[];
  /** How often each code was the reason. */
  readonly refused: Map<string, number>;
  readonly withheld: Map<string, number>;
  readonly rejected: Map<string, number>;
  quarantined: number;
}

export const emptyLedger = (): Ledger => ({
  intents: { accepted: 0, refused: 0, conflicts: 0, malformed: 0 }, legs: new Set(), orders: new Map(), fills: [],
  refused: new Map(), withheld: new Map(), rejected: new Map(), quarantined: 0,
});

export const LEDGER_PREFIXES = ['intent-', 'order-', 'quarantine-', 'audit-'] as const;

export const countUp = (counts: Map<string, number>, key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);

const readable = <E>(decoded: { readonly ok: true; readonly event: E } | { readonly ok: false; readonly detail: string }): E => {
  if (!decoded.ok) throw new Error(`EVENT_UNREADABLE: ${decoded.detail}`);
  return decoded.event;
};

const applyIntent = (ledger: Ledger, recorded: RecordedEvent): void => {
  const event = readable(decodeIntent(recorded));
  switch (event.type) {
    case 'IntentAccepted':
      ledger.intents.accepted += 1;
      for (const leg of event.data.legs) ledger.legs.add(leg.order_id);
      return;
    case 'IntentRefused':
      ledger.intents.refused += 1;
      for (const { code } of event.data.refusals) countUp(ledger.refused, code);
      return;
    case 'IntentConflicted':
      ledger.intents.conflicts += 1;
  }
};

const applyOrder = (ledger: Ledger, recorded: RecordedEvent, orderId: string): void => {
  const event = readable(decodeOrder(recorded));
  const before = ledger.orders.get(orderId) ?? NO_ORDER;
  ledger.orders.set(orderId, evolveOrder(before, event));
  if (event.type === 'OrderFilled' && !before.fills.has(event.data.exec_id)) ledger.fills.push({ orderId, execId: event.data.exec_id });
  if (event.type === 'SubmissionWithheld') countUp(ledger.withheld, event.data.code);
  if (event.type === 'OrderRejected') countUp(ledger.rejected, event.data.code);
};

/** Changes `ledger` in place. Throws EVENT_UNREADABLE: a summary of a log that cannot be read would be a guess. */
export const applyToLedger = (ledger: Ledger, recorded: RecordedEvent): void => {
  const orderId = orderIdOfStream(recorded.stream);
  if (orderId !== undefined) applyOrder(ledger, recorded, orderId);
  else if (recorded.stream.startsWith('intent-')) applyIntent(ledger, recorded);
  else if (recorded.stream.startsWith('quarantine-')) {
    readable(decodeQuarantine(recorded));
    ledger.quarantined += 1;
  } else if (recorded.stream.startsWith('audit-')) {
    const event = readable(decodeAudit(recorded));
    if (event.type !== 'IntentMalformed') return;
    ledger.intents.malformed += 1;
    countUp(ledger.refused, event.data.code);
  }
};

/** Reads the log from its beginning to its head. */
export const foldLog = async (store: EventStore): Promise<Ledger> => {
  const ledger = emptyLedger();
  await new Promise<void>((resolve, reject) => {
    const subscription = store.subscribeAll({
      name: 'summary', after: 'start', streamPrefixes: [...LEDGER_PREFIXES],
      onEvent: (event) => applyToLedger(ledger, event),
      onCaughtUp: () => void subscription.stop().then(resolve),
      onFailed: reject,
    });
  });
  return ledger;
};
