import type { VenueReport } from '@tallystick/ports';
import { canceling, check, checkEqual, following, hostileReports, interpreted, ORDER_IDS, placing, saying, sending } from './conformance.ts';
import type { ConformanceCase } from './conformance.ts';

const [FIRST, SECOND, THIRD] = ORDER_IDS;
const kinds = (reports: readonly VenueReport[]): readonly string[] => reports.map((report) => report.kind);
const fillsOf = (reports: readonly VenueReport[]) => reports.filter((report) => report.kind === 'filled');

const identity: readonly ConformanceCase[] = [
  {
    id: 'V01', title: 'client order ids are pure, fit the venue, differ by action, and lead back to the order; foreign ones do not',
    run: ({ venue }) => {
      const ids = [venue.clientOrderId(FIRST, 'place', 1), venue.clientOrderId(FIRST, 'cancel', 1), venue.clientOrderId(FIRST, 'cancel', 2), venue.clientOrderId(SECOND, 'place', 1)];
      checkEqual(new Set(ids).size, ids.length, 'distinct ids');
      checkEqual(venue.clientOrderId(FIRST, 'cancel', 2), ids[2], 'the same id on a retry');
      for (const id of ids) check(id.length <= venue.descriptor.client_order_id_max_chars, `${id} is longer than the venue takes`);
      checkEqual(ids.map((id) => venue.orderIdOf(id)), [FIRST, FIRST, FIRST, SECOND], 'orders of the ids');
      for (const foreign of ['', 'manual-1', `${FIRST}x`, `${FIRST}-c`, FIRST.toUpperCase()]) checkEqual(venue.orderIdOf(foreign), undefined, `order of "${foreign}"`);
      return Promise.resolve();
    },
  },
  {
    id: 'V02', title: 'encode gives the same bytes for the same command, and others for another',
    run: (subject) => {
      const encoded = (qty: string): string => JSON.stringify(subject.venue.encode(placing(subject, FIRST, { qty })));
      checkEqual(encoded('100'), encoded('100'), 'bytes');
      check(encoded('100') !== encoded('101'), 'two quantities give the same bytes');
      check(JSON.stringify(subject.venue.encode(canceling(subject, FIRST))) !== encoded('100'), 'cancel and place give the same bytes');
      return Promise.resolve();
    },
  },
  {
    id: 'V03', title: 'the descriptor promises nothing that the port cannot carry',
    run: ({ venue: { descriptor } }) => {
      check(descriptor.order_types.length > 0 && descriptor.times_in_force.length > 0 && descriptor.modes.length > 0, 'no order type, time in force or mode');
      check(descriptor.requests_per_second_max > 0 && descriptor.admissibility_window_ms >= 0, 'rates and windows are numbers of 0 and more');
      check(descriptor.dedupe !== 'window' || (descriptor.dedupe_window_ms ?? 0) > 0, 'a dedupe window without its length');
      return Promise.resolve();
    },
  },
];

const outcomes: readonly ConformanceCase[] = [
  {
    id: 'V10', title: 'a resting order is confirmed and acknowledged under its client order id',
    run: async (subject) => {
      await subject.quote(['10', '500'], ['10.05', '500']);
      const said = saying(subject, await sending(subject, placing(subject, FIRST)));
      checkEqual(kinds(said), ['acknowledged'], 'what the answer says');
      checkEqual(said[0]?.kind === 'acknowledged' && subject.venue.orderIdOf(said[0].client_order_id), FIRST, 'whose it is');
    },
  },
  {
    id: 'V11', title: 'a fill states execution, quantity, price, fee, account, symbol and side',
    run: async (subject) => {
      await subject.quote(['10', '500'], ['10.05', '500']);
      const outcome = await sending(subject, placing(subject, FIRST, { order_type: 'market', limit_price: undefined }));
      check(outcome.kind === 'confirmed', `confirmed is expected, not ${outcome.kind}`);
      const [fill] = fillsOf(interpreted(subject, await following(subject, 0, 2)));
      checkEqual(fill && [fill.qty, fill.price, fill.account, fill.symbol, fill.side], ['100', '10.05', subject.account, subject.symbol, 'buy'], 'the fill');
      check((fill?.exec_id ?? '') !== '' && fill?.fee_currency !== '', 'no execution id or fee currency');
    },
  },
  {
    id: 'V12', title: 'an order larger than the quoted size fills in parts, which add up',
    run: async (subject) => {
      await subject.quote(['10', '500'], ['10.05', '60']);
      await sending(subject, placing(subject, FIRST, { limit_price: '10.05' }));
      await subject.quote(['10', '500'], ['10.05', '500']);
      const fills = fillsOf(interpreted(subject, await following(subject, 0, 3)));
      checkEqual(fills.map((fill) => fill.qty), ['60', '40'], 'quantities');
      checkEqual(new Set(fills.map((fill) => fill.exec_id)).size, 2, 'execution ids');
    },
  },
  {
    id: 'V13', title: 'a refusal is the venue\'s own, with a code, and nothing is working afterwards',
    run: async (subject) => {
      await subject.quote(['10', '500'], ['10.05', '500']);
      const outcome = await sending(subject, placing(subject, FIRST, { symbol: 'NOSUCHSYMBOL' }));
      check(outcome.kind === 'refused_by_venue' && outcome.code !== '', `refused_by_venue with a code is expected, not ${outcome.kind}`);
      const cancel = saying(subject, await sending(subject, canceling(subject, FIRST)));
      checkEqual(kinds(cancel), ['cancel_rejected'], 'a cancel after it');
    },
  },
  {
    id: 'V14', title: 'where nobody listens nothing was sent, and a read is unavailable, never absent',
    run: async (subject) => {
      const outcome = await subject.unreachable.send(subject.unreachable.encode(placing(subject, FIRST)), { deadlineMs: 2_000 });
      checkEqual(outcome.kind, 'not_sent', 'send');
      checkEqual((await subject.unreachable.query(subject.account, FIRST)).kind, 'unavailable', 'query');
      checkEqual((await subject.unreachable.snapshot(subject.account)).kind, 'unavailable', 'snapshot');
      checkEqual((await subject.unreachable.instruments()).kind, 'unavailable', 'instruments');
    },
  },
  {
    id: 'V15', title: 'a client order id that comes twice is treated as the descriptor says',
    run: async (subject) => {
      await subject.quote(['10', '500'], ['10.05', '500']);
      await sending(subject, placing(subject, FIRST));
      const second = await sending(subject, placing(subject, FIRST));
      const { dedupe, admissibility_window_ms } = subject.venue.descriptor;
      check(admissibility_window_ms >= 0, 'window');
      if (dedupe === 'none') checkEqual(second.kind, 'confirmed', 'the second');
      else check(second.kind !== 'refused_by_venue', 'a refusal of the second would read as the end of the first');
      const found = await subject.venue.query(subject.account, subject.venue.clientOrderId(FIRST, 'place', 1));
      const acknowledged = found.kind === 'ok' ? kinds(subject.venue.interpret(found.value)).filter((kind) => kind === 'acknowledged').length : 0;
      checkEqual(acknowledged, dedupe === 'none' ? 2 : 1, 'orders at the venue');
    },
  },
];

const cancels: readonly ConformanceCase[] = [
  {
    id: 'V20', title: 'a cancel ends a resting order under the order\'s own client order id',
    run: async (subject) => {
      await subject.quote(['10', '500'], ['10.05', '500']);
      await sending(subject, placing(subject, FIRST));
      const said = saying(subject, await sending(subject, canceling(subject, FIRST)));
      checkEqual(said.map((report) => [report.kind, report.kind === 'canceled' && report.client_order_id]), [['canceled', subject.venue.clientOrderId(FIRST, 'place', 1)]], 'the answer');
    },
  },
  {
    id: 'V21', title: 'a cancel that comes too late is refused, and the fill stands',
    run: async (subject) => {
      await subject.quote(['10', '500'], ['10.05', '500']);
      await sending(subject, placing(subject, FIRST, { order_type: 'market', limit_price: undefined }));
      const late = await sending(subject, canceling(subject, FIRST));
      checkEqual(late.kind, 'refused_by_venue', 'the cancel');
      const said = interpreted(subject, await following(subject, 0, 3));
      checkEqual(kinds(said), ['acknowledged', 'filled', 'cancel_rejected'], 'the stream');
    },
  },
  {
    id: 'V22', title: 'a cancel of an order the venue never had is refused',
    run: async (subject) => {
      const outcome = await sending(subject, canceling(subject, THIRD));
      checkEqual(outcome.kind, 'refused_by_venue', 'the cancel');
    },
  },
];

const reads: readonly ConformanceCase[] = [
  {
    id: 'V30', title: 'a query by client order id tells all that happened to the order, and is absent, with proof, where there is none',
    run: async (subject) => {
      if (!subject.venue.descriptor.lookup_by_client_order_id) return;
      await subject.quote(['10', '500'], ['10.05', '60']);
      await sending(subject, placing(subject, FIRST, { limit_price: '10.05' }));
      const found = await subject.venue.query(subject.account, subject.venue.clientOrderId(FIRST, 'place', 1));
      checkEqual(found.kind === 'ok' && kinds(subject.venue.interpret(found.value)), ['acknowledged', 'filled'], 'the query');
      const absent = await subject.venue.query(subject.account, subject.venue.clientOrderId(SECOND, 'place', 1));
      checkEqual(absent.kind, 'absent', 'the other');
      if (absent.kind !== 'absent') return;
      const said = subject.venue.interpret({ report_id: 'q', account: subject.account, channel: 'query', body: absent.raw });
      checkEqual(said.map((report) => [report.kind, report.kind === 'not_found' && report.client_order_id]), [['not_found', SECOND]], 'what it says');
    },
  },
  {
    id: 'V31', title: 'the stream carries every fact of the answers, under the same execution ids',
    run: async (subject) => {
      await subject.quote(['10', '500'], ['10.05', '500']);
      const answered = saying(subject, await sending(subject, placing(subject, FIRST, { order_type: 'market', limit_price: undefined })));
      checkEqual(interpreted(subject, await following(subject, 0, answered.length)), answered, 'the stream');
    },
  },
  {
    id: 'V32', title: 'the stream resumes after a sequence, in order, without a gap or a repeat',
    run: async (subject) => {
      if (subject.venue.descriptor.report_stream !== 'resumable') return;
      await subject.quote(['10', '500'], ['10.05', '500']);
      for (const id of ORDER_IDS) await sending(subject, placing(subject, id));
      const all = await following(subject, 0, 3);
      checkEqual(all.map((report) => report.sequence), [1, 2, 3], 'sequences');
      checkEqual(await following(subject, 1, 2), all.slice(1), 'after the first');
      checkEqual(new Set(all.map((report) => report.report_id)).size, 3, 'report ids');
    },
  },
  {
    id: 'V33', title: 'a report whose handler failed is handed over again',
    run: async (subject) => {
      await subject.quote(['10', '500'], ['10.05', '500']);
      await sending(subject, placing(subject, FIRST));
      let calls = 0;
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`the report came ${calls} times within 5 s, 2 are expected`)), 5_000);
        const stream = subject.venue.reports(subject.account, 0, () => {
          calls += 1;
          if (calls === 1) return Promise.reject(new Error('the store is away'));
          clearTimeout(late);
          // Not awaited here: stopping waits for this very handler.
          setTimeout(() => void stream.stop().then(resolve), 0);
          return Promise.resolve();
        });
      });
    },
  },
  {
    id: 'V34', title: 'the account\'s snapshot is what its fills add up to, and says which reports it includes',
    run: async (subject) => {
      await subject.quote(['10', '500'], ['10.05', '500']);
      await sending(subject, placing(subject, FIRST, { order_type: 'market', limit_price: undefined }));
      await sending(subject, placing(subject, SECOND, { order_type: 'market', limit_price: undefined, side: 'sell', qty: '30' }));
      const read = await subject.venue.snapshot(subject.account);
      const [said] = read.kind === 'ok' ? subject.venue.interpret(read.value) : [];
      checkEqual(said?.kind === 'account_snapshot' && [said.snapshot.positions, said.snapshot.report_sequence], [[{ symbol: subject.symbol, qty: '70' }], 4], 'the snapshot');
    },
  },
  {
    id: 'V35', title: 'instruments are named with tick, lot, currency and session',
    run: async (subject) => {
      const read = await subject.venue.instruments();
      const instrument = read.kind === 'ok' ? read.value.find((each) => each.symbol === subject.symbol) : undefined;
      check(instrument !== undefined && [instrument.tick_size, instrument.lot_size].every((text) => /^\d+(\.\d+)?$/.test(text)), `${subject.symbol} with its tick and lot is expected`);
    },
  },
  {
    id: 'V36', title: 'interpret is total: what cannot be read is said to be unreadable, and nothing throws',
    run: ({ venue, account }) => {
      for (const report of hostileReports(account)) {
        const said = venue.interpret(report);
        check(said.every((each) => each.kind === 'unreadable'), `${JSON.stringify(report.body)} was read as ${JSON.stringify(said)}`);
      }
      return Promise.resolve();
    },
  },
];

/** What any adapter must pass. Ids are stable. */
export const venueConformance: readonly ConformanceCase[] = [...identity, ...outcomes, ...cancels, ...reads];
