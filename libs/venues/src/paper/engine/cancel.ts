import { clientIdKey } from './book.ts';
import { draftOf, end, lift, outcomeOf, report } from './draft.ts';
import { allOf } from './queue.ts';
import type { CancelCommand, Outcome, PaperBook, PaperOrder } from './types.ts';

/** The open order meant: by the venue's id where given, else the newest under the client order id. */
const targetOf = (book: PaperBook, command: CancelCommand): PaperOrder | undefined => {
  const candidates = [...book.open.values()].flatMap(allOf).filter((order) =>
    order.account === command.account && order.client_order_id === command.target_client_order_id
    && (command.venue_order_id === undefined || order.venue_order_id === command.venue_order_id));
  return candidates.sort((a, b) => b.arrival - a.arrival)[0];
};

/** Cancels what is left of an open order. Refused with UNKNOWN_ORDER, or TOO_LATE_TO_CANCEL once it has ended. */
export const cancelOrder = (book: PaperBook, command: CancelCommand): Outcome => {
  const draft = draftOf(book);
  const order = targetOf(book, command);
  if (order) {
    lift(draft, order);
    end(draft, order, 'canceled', 'REQUESTED', command.client_order_id);
    return outcomeOf(draft);
  }
  const known = book.client_ids.get(clientIdKey(command.account, command.target_client_order_id)) !== undefined;
  report(draft, 'cancel_rejected', command.account, {
    client_order_id: command.client_order_id,
    target_client_order_id: command.target_client_order_id,
    ...(known
      ? { code: 'TOO_LATE_TO_CANCEL', detail: `${command.target_client_order_id} has no open order any more` }
      : { code: 'UNKNOWN_ORDER', detail: `${command.target_client_order_id} has never been placed here` }),
  });
  return outcomeOf(draft);
};
