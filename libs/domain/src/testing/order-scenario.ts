import type { OrderEvent, ReportRef } from '../order/events.ts';
import { interpretReport, type OrderReport } from '../order/reports.ts';
import { evolveOrder, NO_ORDER, orderView, type OrderState } from '../order/state.ts';
import type { OrderStatus } from '../order/transitions.ts';
import { refOf } from './order-fixtures.ts';

export type ExpectSame = (actual: unknown, expected: unknown) => void;
export type OrderCommand = (state: OrderState) => readonly OrderEvent[];

export interface OrderOutcome {
  /** Exactly these events. What an anomaly says to people is not compared. */
  readonly then: (...events: readonly OrderEvent[]) => OrderOutcome;
  readonly thenNothing: () => OrderOutcome;
  readonly leaving: (status: OrderStatus, cumQty?: string, leavesQty?: string) => OrderOutcome;
}

export const orderFrom = (events: readonly OrderEvent[], state: OrderState = NO_ORDER): OrderState => events.reduce(evolveOrder, state);

const comparable = (event: OrderEvent): unknown =>
  event.type === 'AnomalyRecorded' ? { type: event.type, kind: event.data.kind, reported: event.data.report !== undefined } : event;

/** Given what happened, when a report or a command comes, then these events follow. `expectSame` is the test runner's comparison. */
export const orderScenarios = (expectSame: ExpectSame) => ({
  given: (...events: readonly OrderEvent[]) => {
    const before = orderFrom(events);
    return {
      when: (act: OrderReport | OrderCommand, ref: ReportRef = refOf()): OrderOutcome => {
        const produced = typeof act === 'function' ? act(before) : interpretReport(before, act, ref);
        const view = orderView(orderFrom(produced, before));
        const outcome: OrderOutcome = {
          then: (...expected) => {
            expectSame(produced.map(comparable), expected.map(comparable));
            return outcome;
          },
          thenNothing: () => outcome.then(),
          leaving: (status, cumQty = view['cum_qty'] as string, leavesQty = view['leaves_qty'] as string) => {
            expectSame({ status: view['status'], cum: view['cum_qty'], leaves: view['leaves_qty'] }, { status, cum: cumQty, leaves: leavesQty });
            return outcome;
          },
        };
        return outcome;
      },
    };
  },
});
