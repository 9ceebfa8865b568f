import { decodeOrder, type CloudEventV1, type OrderViewV1 } from '@tallystick/contracts';
import { avgPriceText, decimalText, evolveOrder, failedChecks, isTerminal, leavesQty, NO_ORDER, type OrderEvent, type OrderState, type OrderStatus } from '@tallystick/domain';
import type { JsonObject } from '@tallystick/ports';

/** Where an order stands, as far as is known here. */
export interface OrderStanding {
  readonly orderId: string;
  /** NONE until it is decided. */
  readonly status: OrderStatus;
  readonly cumQty: string;
  readonly leavesQty: string;
  readonly avgPrice?: string;
  /** Why it was denied, withheld or rejected; empty otherwise. */
  readonly codes: readonly string[];
  /** Log position of the newest event in this. */
  readonly position?: string;
}

/** `gap`: events before this one are missing, so that its effect cannot be told; ask for the order. */
export type Applied = 'changed' | 'stale' | 'gap';

const SCHEMA_VERSION = /\.v(\d{1,3})$/;

/** The event as it stands in the log; `undefined` when it is none that we can read. */
const orderEventOf = (event: CloudEventV1): OrderEvent | undefined => {
  const [, , , type = ''] = event.type.split('.');
  const version = Number(SCHEMA_VERSION.exec(event.type)?.[1] ?? Number.NaN);
  const decoded = decodeOrder({
    stream: event.subject, revision: event.revision, id: event.id, type, data: event.data as JsonObject, metadata: { schemaversion: version },
    position: BigInt(event.position), recordedAtMs: 0,
  });
  return decoded.ok ? decoded.event : undefined;
};

const codesOf = (event: OrderEvent): readonly string[] => {
  switch (event.type) {
    case 'OrderDenied':
      return failedChecks(event.data.decision).map(({ code }) => code);
    case 'OrderRejected':
    case 'SubmissionWithheld':
      return [event.data.code];
    default:
      return [];
  }
};

/** One order: folded from relayed events while none is missing, otherwise as the read model says. */
export class TrackedOrder {
  private state: OrderState = NO_ORDER;
  private nextRevision = 0;
  /** False once an event was missed: from then on only views count. */
  private folding = true;
  private at = -1n;
  private known: OrderStanding;

  constructor(readonly orderId: string) {
    this.known = { orderId, status: 'NONE', cumQty: '0', leavesQty: '0', codes: [] };
  }

  standing(): OrderStanding {
    return this.known;
  }

  isDecided(): boolean {
    return this.known.status !== 'NONE';
  }

  isSettled(): boolean {
    return isTerminal(this.known.status);
  }

  apply(relayed: CloudEventV1): Applied {
    const position = BigInt(relayed.position);
    if (position <= this.at) return 'stale';
    const event = this.folding && relayed.revision === this.nextRevision ? orderEventOf(relayed) : undefined;
    if (!event) {
      this.folding = false;
      return 'gap';
    }
    this.state = evolveOrder(this.state, event);
    this.nextRevision += 1;
    this.at = position;
    const avgPrice = avgPriceText(this.state);
    const codes = codesOf(event);
    this.known = {
      orderId: this.orderId, status: this.state.status, cumQty: decimalText(this.state.cumQty), leavesQty: decimalText(leavesQty(this.state)),
      codes: codes.length > 0 ? codes : this.known.codes, position: relayed.position, ...(avgPrice === undefined ? {} : { avgPrice }),
    };
    return 'changed';
  }

  /** False when the view is no newer than what is known. */
  adopt(view: OrderViewV1): boolean {
    const position = BigInt(view.updated_position);
    if (position <= this.at) return false;
    this.folding = false;
    this.at = position;
    this.known = {
      orderId: this.orderId, status: view.status, cumQty: view.cum_qty, leavesQty: view.leaves_qty,
      codes: view.denial_codes.length > 0 ? view.denial_codes : this.known.codes, position: view.updated_position, ...(view.avg_price === undefined ? {} : { avgPrice: view.avg_price }),
    };
    return true;
  }
}
