import { decodeRiskGroup } from '@tallystick/contracts';
import type { Decision, OrderTerms } from '@tallystick/domain';
import type { EventStore, Revision, StoreFailure } from '@tallystick/ports';

export type FoundDecision =
  /** `previousDay` is set when the whole day was looked through and another came before it. */
  | { readonly ok: true; readonly decided?: { readonly terms: OrderTerms; readonly decision: Decision }; readonly previousDay?: string }
  | { readonly ok: false; readonly code: 'EVENT_UNREADABLE'; readonly detail: string }
  | StoreFailure;

/** Who looks for a decision made it shortly before it went down: it is near the end. */
const PAGE_EVENTS = 256;

const orderIdIn = (data: object): unknown => (data as { readonly terms?: { readonly order_id?: unknown } }).terms?.order_id;

/** The decision on an order in the stream of one day, looked for from its end. */
export const findDecision = async (store: EventStore, stream: string, orderId: string): Promise<FoundDecision> => {
  let from: Revision | 'end' = 'end';
  for (;;) {
    const page = await store.read(stream, { direction: 'backwards', from, maxCount: PAGE_EVENTS });
    if (!page.ok) return page;
    for (const recorded of page.events) {
      const isIt = recorded.type === 'OrderDecided' && orderIdIn(recorded.data) === orderId;
      if (!isIt && recorded.type !== 'RiskGroupDayOpened') continue;
      const decoded = decodeRiskGroup(recorded);
      if (!decoded.ok) return decoded;
      if (decoded.event.type === 'OrderDecided') return { ok: true, decided: decoded.event.data };
      const previousDay = decoded.event.type === 'RiskGroupDayOpened' ? decoded.event.data.previous?.trading_day : undefined;
      return { ok: true, ...(previousDay === undefined ? {} : { previousDay }) };
    }
    const oldest = page.events.at(-1);
    if (!oldest || oldest.revision === 0) return { ok: true };
    from = oldest.revision - 1;
  }
};
