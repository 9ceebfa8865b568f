import { describe, expect, it } from '@jest/globals';
import { happened, refOf, termsOf, TIME_MS, venueSays } from '../testing/order-fixtures.ts';
import { orderFrom, orderScenarios } from '../testing/order-scenario.ts';
import { avgPriceText } from './state.ts';

const { given } = orderScenarios((actual, expected) => {
  expect(actual).toEqual(expected);
});

const { approved, claimed, acknowledged, filled, anomaly } = happened;
const sent = [approved(), claimed()];
const working = [...sent, acknowledged()];
const part = filled('e1', '4', { cum: '4', leaves: '6' });
const cancelSent = [...working, happened.cancelRequested(), happened.cancelClaimed()];

describe('an order on its way', () => {
  it('is acknowledged, filled in parts, and done', () => {
    given(...sent).when(venueSays.acknowledged()).then(acknowledged()).leaving('WORKING', '0', '10');
    given(...working).when(venueSays.filled('e1', '4')).then(part).leaving('PARTIALLY_FILLED', '4', '6');
    given(...working, part).when(venueSays.filled('e2', '6')).then(filled('e2', '6', { cum: '10', leaves: '0' })).leaving('FILLED', '10', '0');
  });

  it('is rejected, canceled or expired on the venue’s word', () => {
    given(...sent).when(venueSays.rejected()).then(happened.rejected()).leaving('REJECTED', '0', '0');
    given(...working).when(venueSays.rejected()).then(happened.rejected()).leaving('REJECTED', '0', '0');
    given(...working, part).when(venueSays.canceled()).then(happened.canceled()).leaving('CANCELED', '4', '0');
    given(...working, part).when(venueSays.expired()).then(happened.expired()).leaving('EXPIRED', '4', '0');
  });

  it('averages its price over the fills that stand', () => {
    const state = orderFrom([...working, filled('e1', '4', { cum: '4', leaves: '6' }, '99'), filled('e2', '2', { cum: '6', leaves: '4' }, '100.5')]);
    expect(avgPriceText(state)).toBe('99.5');
    expect(avgPriceText(orderFrom(working))).toBeUndefined();
  });
});

describe('an order in doubt', () => {
  const doubtful = [...sent, happened.inDoubt()];

  it('is resolved by any word of the venue', () => {
    given(...doubtful).when(venueSays.acknowledged()).then(acknowledged()).leaving('WORKING');
    given(...doubtful).when(venueSays.rejected()).then(happened.rejected()).leaving('REJECTED');
    given(...doubtful).when(venueSays.filled('e1', '10')).then(filled('e1', '10', { cum: '10', leaves: '0' })).leaving('FILLED');
    given(...doubtful).when(venueSays.canceled()).then(happened.canceled()).leaving('CANCELED');
    given(...doubtful).when(venueSays.expired()).then(happened.expired()).leaving('EXPIRED');
  });

  it('keeps all of its quantity open', () => {
    expect(orderFrom(doubtful)).toMatchObject({ status: 'IN_DOUBT', doubt: { code: 'SEND_TIMED_OUT', owner: 'execution-1', deadline_ms: TIME_MS + 5000 } });
  });
});

describe('acknowledgements', () => {
  it('come once: a second of the same is a repeat, of another id an anomaly', () => {
    given(...working).when(venueSays.acknowledged()).thenNothing();
    given(...working).when(venueSays.acknowledged('v-9')).then(anomaly('REPORT_UNEXPECTED')).leaving('WORKING');
    given(...working, part).when(venueSays.acknowledged('v-9')).then(anomaly('REPORT_UNEXPECTED')).leaving('PARTIALLY_FILLED');
    given(...cancelSent, happened.canceled()).when(venueSays.acknowledged('v-9')).then(anomaly('REPORT_UNEXPECTED')).leaving('CANCELED');
  });

  it('overtaken by a partial fill still bring the venue’s order id', () => {
    given(...sent, part).when(venueSays.acknowledged()).then(acknowledged()).leaving('PARTIALLY_FILLED', '4', '6');
    expect(orderFrom([...sent, part, acknowledged()]).venueOrderId).toBe('v-1');
    given(...sent, part, acknowledged()).when(venueSays.acknowledged()).thenNothing();
  });

  it('overtaken by the end say nothing new', () => {
    given(...sent, filled('e1', '10', { cum: '10', leaves: '0' })).when(venueSays.acknowledged()).thenNothing();
    given(...sent, happened.canceled()).when(venueSays.acknowledged()).thenNothing();
    given(...sent, happened.expired()).when(venueSays.acknowledged()).thenNothing();
  });

  it('are implied by a fill: the order is known to be at the venue from then on', () => {
    expect(orderFrom([...sent, part]).acknowledgedAtMs).toBe(TIME_MS);
    expect(orderFrom(sent).acknowledgedAtMs).toBeUndefined();
  });
});

describe('cancels', () => {
  it('race a fill: whoever the venue served first', () => {
    given(...cancelSent).when(venueSays.filled('e1', '10')).then(filled('e1', '10', { cum: '10', leaves: '0' })).leaving('FILLED');
    given(...cancelSent, filled('e1', '10', { cum: '10', leaves: '0' })).when(venueSays.cancelRejected()).then(happened.cancelRejected()).leaving('FILLED');
    given(...cancelSent, part).when(venueSays.canceled()).then(happened.canceled()).leaving('CANCELED', '4', '0');
  });

  it('rejected leave the order working, and a repeat says nothing', () => {
    given(...cancelSent).when(venueSays.cancelRejected()).then(happened.cancelRejected()).leaving('WORKING', '0', '10');
    given(...cancelSent, happened.cancelRejected()).when(venueSays.cancelRejected()).thenNothing();
    given(...cancelSent, happened.cancelRejected(), happened.cancelRequested(2)).when(venueSays.cancelRejected()).thenNothing();
  });

  it('that nobody sent cannot be rejected', () => {
    given(...working).when(venueSays.cancelRejected()).then(anomaly('REPORT_UNEXPECTED')).leaving('WORKING');
    given(...working, happened.cancelRequested()).when(venueSays.cancelRejected()).then(anomaly('REPORT_UNEXPECTED')).leaving('WORKING');
  });

  it('sent for an order the venue then rejected come back rejected, which is no surprise', () => {
    given(...cancelSent, happened.rejected()).when(venueSays.cancelRejected()).then(happened.cancelRejected()).leaving('REJECTED');
  });

  it('of the venue’s own count without one of ours', () => {
    given(...working).when(venueSays.canceled()).then(happened.canceled()).leaving('CANCELED');
    given(...working, happened.canceled()).when(venueSays.canceled()).thenNothing();
    given(...working, happened.canceled()).when(venueSays.expired()).then(anomaly('REPORT_UNEXPECTED')).leaving('CANCELED');
  });
});

describe('fills that surprise', () => {
  it('come late, after a cancel or the close, and count', () => {
    given(...working, happened.canceled()).when(venueSays.filled('e1', '4'))
      .then(filled('e1', '4', { cum: '4', leaves: '0' }), anomaly('FILL_AFTER_CLOSE')).leaving('CANCELED', '4', '0');
    given(...working, happened.expired()).when(venueSays.filled('e1', '10'))
      .then(filled('e1', '10', { cum: '10', leaves: '0' }), anomaly('FILL_AFTER_CLOSE')).leaving('FILLED', '10', '0');
  });

  it('fill more than was ordered: all of it counts, leaves is zero, what is over is recorded', () => {
    given(...working, part).when(venueSays.filled('e2', '7'))
      .then(filled('e2', '7', { cum: '11', leaves: '0', over: '1' }), anomaly('OVERFILL')).leaving('FILLED', '11', '0');
    given(...working, filled('e1', '10', { cum: '10', leaves: '0' })).when(venueSays.filled('e2', '1'))
      .then(filled('e2', '1', { cum: '11', leaves: '0', over: '1' }), anomaly('OVERFILL')).leaving('FILLED', '11', '0');
  });

  it.each([
    ['approved and never sent', [approved()]],
    ['denied', [happened.denied()]],
    ['rejected', [...sent, happened.rejected()]],
    ['not sent', [...sent, happened.withheld('KILL_SWITCH', true)]],
    ['not received', [...sent, happened.notReceived()]],
  ])('are for an order held to be %s: the venue wins, once', (_held, events) => {
    given(...events).when(venueSays.filled('e1', '4')).then(part, anomaly('FILL_CONTRADICTS_STATE')).leaving('PARTIALLY_FILLED', '4', '6');
    given(...events, part).when(venueSays.filled('e1', '4')).thenNothing();
    given(...events).when(venueSays.filled('e1', '10')).then(filled('e1', '10', { cum: '10', leaves: '0' }), anomaly('FILL_CONTRADICTS_STATE')).leaving('FILLED');
  });

  it('repeat an execution id: the same is dropped, another is an anomaly and the first stands', () => {
    given(...working, part).when(venueSays.filled('e1', '4')).thenNothing();
    given(...working, part).when(venueSays.filled('e1', '4.000', '100.0')).thenNothing();
    given(...working, part).when(venueSays.filled('e1', '5')).then(anomaly('DUPLICATE_EXEC_ID_DIFFERS')).leaving('PARTIALLY_FILLED', '4', '6');
    given(...working, part).when(venueSays.filled('e1', '4', '101')).then(anomaly('DUPLICATE_EXEC_ID_DIFFERS')).leaving('PARTIALLY_FILLED', '4', '6');
  });

  it('name another symbol, side or account', () => {
    for (const changes of [{ symbol: 'OTHER' }, { side: 'sell' as const }, { account: 'other' }]) {
      given(...working).when(venueSays.filled('e1', '4', '100', changes)).then(part, anomaly('TERMS_DIFFER'));
    }
  });

  it('cannot be read', () => {
    for (const [qty, price] of [['0', '100'], ['-4', '100'], ['4e1', '100'], ['4', 'NaN'], ['', '100']] as const) {
      given(...working).when(venueSays.filled('e1', qty, price)).then(anomaly('REPORT_UNREADABLE')).leaving('WORKING', '0', '10');
    }
    given(...working).when(venueSays.filled('e1', '4', '100', { fee: 'free' })).then(anomaly('REPORT_UNREADABLE'));
  });

  it('are for an order nobody decided on', () => {
    given().when(venueSays.filled('e1', '4')).then(anomaly('REPORT_UNEXPECTED')).leaving('NONE', '0', '0');
  });
});

describe('busts', () => {
  it('take the fill out, once', () => {
    given(...working, part).when(venueSays.busted('e1')).then(happened.busted('e1', '0')).leaving('PARTIALLY_FILLED', '0', '10');
    given(...working, part, happened.busted('e1', '0')).when(venueSays.busted('e1')).thenNothing();
  });

  it('of a filled order leave it closed with what stands', () => {
    const two = [...working, part, filled('e2', '6', { cum: '10', leaves: '0' })];
    given(...two).when(venueSays.busted('e2')).then(happened.busted('e2', '4')).leaving('FILLED', '4', '0');
  });

  it('of a rejected order that was filled in part are applied', () => {
    given(...working, part, happened.rejected()).when(venueSays.busted('e1')).then(happened.busted('e1', '0')).leaving('REJECTED', '0', '0');
    given(...working, part, happened.rejected(), happened.busted('e1', '0')).when(venueSays.busted('e1')).thenNothing();
  });

  it('of a fill nobody knows are anomalies', () => {
    given(...working, part).when(venueSays.busted('e9')).then(anomaly('BUST_OF_UNKNOWN_FILL')).leaving('PARTIALLY_FILLED', '4', '6');
    given(...working, part).when(venueSays.corrected('e9', '1')).then(anomaly('BUST_OF_UNKNOWN_FILL'));
  });

  it('outlive a repeat of the fill: it stays busted', () => {
    const busted = [...working, part, happened.busted('e1', '0')];
    given(...busted).when(venueSays.filled('e1', '4')).thenNothing().leaving('PARTIALLY_FILLED', '0', '10');
    given(...busted).when(venueSays.corrected('e1', '3')).then(anomaly('BUST_OF_UNKNOWN_FILL')).leaving('PARTIALLY_FILLED', '0', '10');
  });
});

describe('corrections', () => {
  const corrected = [...working, part, happened.corrected('e1', '3', '3', '99', 'c1')];

  it('replace quantity and price', () => {
    given(...working, part).when(venueSays.corrected('e1', '3', '99'), refOf('c1')).then(happened.corrected('e1', '3', '3', '99', 'c1')).leaving('PARTIALLY_FILLED', '3', '7');
    expect(avgPriceText(orderFrom(corrected))).toBe('99');
  });

  it('to what is known already say nothing', () => {
    given(...working, part).when(venueSays.corrected('e1', '4.0')).thenNothing();
    given(...corrected).when(venueSays.corrected('e1', '3', '99'), refOf('c1')).thenNothing();
  });

  it('do not turn a repeat of the first report into an anomaly', () => {
    given(...corrected).when(venueSays.filled('e1', '4')).thenNothing().leaving('PARTIALLY_FILLED', '3', '7');
    given(...corrected).when(venueSays.filled('e1', '3', '99')).thenNothing();
    given(...corrected).when(venueSays.filled('e1', '2', '99')).then(anomaly('DUPLICATE_EXEC_ID_DIFFERS'));
  });

  it('are not undone by a repeat of an older one, but by a new one that says so', () => {
    const twice = [...corrected, happened.corrected('e1', '2', '2', '98', 'c2')];
    given(...twice).when(venueSays.corrected('e1', '3', '99'), refOf('c1')).thenNothing().leaving('PARTIALLY_FILLED', '2', '8');
    given(...twice).when(venueSays.corrected('e1', '3', '99'), refOf('c3')).then(happened.corrected('e1', '3', '3', '99', 'c3')).leaving('PARTIALLY_FILLED', '3', '7');
  });

  it('upwards fill the order, and beyond it are an overfill', () => {
    given(...working, part).when(venueSays.corrected('e1', '10')).then(happened.corrected('e1', '10', '10')).leaving('FILLED', '10', '0');
    given(...working, part).when(venueSays.corrected('e1', '11')).then(happened.corrected('e1', '11', '11'), anomaly('OVERFILL')).leaving('FILLED', '11', '0');
  });

  it('that cannot be read are anomalies', () => {
    given(...working, part).when(venueSays.corrected('e1', '-1')).then(anomaly('REPORT_UNREADABLE')).leaving('PARTIALLY_FILLED', '4', '6');
    given(...working, part).when(venueSays.corrected('e1', '1', '0x10')).then(anomaly('REPORT_UNREADABLE'));
  });
});

describe('a venue that speaks of an order it cannot have', () => {
  it.each([
    ['approved and never sent', [approved()]],
    ['denied', [happened.denied()]],
    ['not sent', [...sent, happened.withheld('KILL_SWITCH', true)]],
    ['not received', [...sent, happened.notReceived()]],
  ])('is believed, with an alert: %s', (_held, events) => {
    given(...events).when(venueSays.acknowledged()).then(acknowledged(), anomaly('REPORT_UNEXPECTED')).leaving('WORKING', '0', '10');
    given(...events).when(venueSays.rejected()).then(happened.rejected(), anomaly('REPORT_UNEXPECTED')).leaving('REJECTED');
    given(...events).when(venueSays.canceled()).then(happened.canceled(), anomaly('REPORT_UNEXPECTED')).leaving('CANCELED');
  });

  it('is believed when it un-rejects an order, and not asked twice when it repeats itself', () => {
    given(...sent, happened.rejected()).when(venueSays.acknowledged()).then(acknowledged(), anomaly('REPORT_UNEXPECTED')).leaving('WORKING');
    given(...sent, happened.rejected()).when(venueSays.rejected()).thenNothing();
    given(...working, happened.rejected()).when(venueSays.acknowledged()).thenNothing();
  });

  it('is not believed for an order without terms', () => {
    for (const report of [venueSays.acknowledged(), venueSays.busted('e1'), venueSays.canceled()]) given().when(report).then(anomaly('REPORT_UNEXPECTED')).leaving('NONE');
  });
});

it('terms never change after the decision', () => {
  expect(orderFrom([approved(), { type: 'OrderApproved', data: { terms: termsOf({ qty: '99' }), decision: orderFrom([approved()]).decision! } }]).terms?.qty).toBe('10');
});
