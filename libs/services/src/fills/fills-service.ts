import { checkpointStream, decodeCheckpoint, decodeQuarantine, decodeReconciliation, decodeVenueReport, factIdOf, orderStream, quarantineStream, reconciliationStream } from '@tallystick/contracts';
import { evolveOrder, interpretReport, type CheckpointEvent, type OrderEvent, type OrderReport, type OrderState, type QuarantineEvent, type QuarantineReason, type ReconciliationEvent, type ReportRef, type VenueReportEvent } from '@tallystick/domain';
import { drive, handle, handleKnown, OwnedStream, RecentStreams, type Drive, type Fact, type Folding, type Loaded } from '@tallystick/event-sourcing';
import type { JsonObject, RawReport, RecordedEvent, Venue, VenueReport } from '@tallystick/ports';
import type { ReferenceData } from '../reference/reference-data.ts';
import { interpretRecorded } from '../shared/answers.ts';
import { orderFolding } from '../shared/foldings.ts';
import { recordContext, type Cause, type ServicePorts } from '../shared/service-ports.ts';

const quarantineFolding: Folding<null, QuarantineEvent> = { initial: () => null, evolve: () => null, decode: decodeQuarantine };
const reconciliationFolding: Folding<null, ReconciliationEvent> = { initial: () => null, evolve: () => null, decode: decodeReconciliation };
const checkpointFolding: Folding<bigint | undefined, CheckpointEvent> = { initial: () => undefined, evolve: (_, { data }) => BigInt(data.position), decode: decodeCheckpoint };

/** A restart repeats at most this many reports; each costs one read to find that it is done. */
const CHECKPOINT_EVERY = 500;

/** A venue tells the same facts by answer and by stream, milliseconds apart: this many orders are under way at once, no more are worth remembering. */
const RECENT_ORDERS_MAX = 512;

type Done = 'done' | 'retry';
type ReportOfOrder = Exclude<VenueReport, { kind: 'unreadable' | 'account_snapshot' | 'not_found' }>;

/** Reports of one order that came together, each with its place in what they came in. */
interface OrderPart {
  readonly clientOrderId: string;
  readonly reports: { readonly part: number; readonly report: ReportOfOrder }[];
}

const isOfOrder = (report: VenueReport): report is ReportOfOrder => report.kind !== 'unreadable' && report.kind !== 'account_snapshot' && report.kind !== 'not_found';

/** Neighbours that are about one order are applied in one append. */
const inGroups = (reports: readonly VenueReport[]): readonly (OrderPart | { readonly part: number; readonly report: Exclude<VenueReport, ReportOfOrder> })[] => {
  const groups: (OrderPart | { readonly part: number; readonly report: Exclude<VenueReport, ReportOfOrder> })[] = [];
  for (const [part, report] of reports.entries()) {
    const last = groups.at(-1);
    if (!isOfOrder(report)) groups.push({ part, report });
    else if (last && 'reports' in last && last.clientOrderId === report.client_order_id) last.reports.push({ part, report });
    else groups.push({ clientOrderId: report.client_order_id, reports: [{ part, report }] });
  }
  return groups;
};

const traceOf = ({ metadata }: RecordedEvent): string | undefined => (typeof metadata['traceparent'] === 'string' ? metadata['traceparent'] : undefined);

/** Turns raw reports, in the log's order per order, into facts of orders. Whatever arrives is applied once, recorded as an anomaly, or quarantined. */
export class FillsService {
  private driving: Drive | undefined;
  private checkpoint: OwnedStream<bigint | undefined, CheckpointEvent> | undefined;
  private readonly recent = new RecentStreams<OrderState>(RECENT_ORDERS_MAX);

  constructor(
    private readonly world: ServicePorts,
    private readonly reference: ReferenceData,
    private readonly venues: ReadonlyMap<string, Venue>,
    private readonly onFailed: (error: unknown) => void,
  ) {}

  async start(): Promise<void> {
    const opened = await OwnedStream.open(this.world.store, checkpointFolding, checkpointStream('fills'));
    if (!opened.ok) throw new Error(`${opened.code}: ${opened.detail}`);
    this.checkpoint = opened.owned;
    this.driving = drive(this.world.store, {
      name: 'fills', after: opened.owned.peek() ?? 'start', streamPrefixes: ['venueReport-'], timers: this.world.ports.timers, onFailed: this.onFailed,
      keyOf: (event) => this.keyOf(event), handle: (event) => this.world.inSpan('fills.apply', traceOf(event), () => this.apply(event)), onCheckpoint: (position) => this.saveCheckpoint(position), checkpointEvery: CHECKPOINT_EVERY,
    });
  }

  async stop(): Promise<void> {
    await this.driving?.stop();
    const at = this.driving?.done();
    if (at !== undefined) await this.saveCheckpoint(at);
  }

  isLive(): boolean {
    return this.driving?.isLive() ?? false;
  }

  /** Everything in the log up to here has been turned into facts. */
  done(): bigint | undefined {
    return this.driving?.done();
  }

  private async saveCheckpoint(position: bigint): Promise<void> {
    const context = recordContext(this.world, this.reference.policyHash(), { correlationId: 'checkpoint', causationId: position.toString() });
    const saved = await this.checkpoint?.submit(context, (state) => ({ result: undefined, facts: state !== undefined && position <= state ? [] : [
      { id: this.world.ports.ids.unique('checkpoint'), event: { type: 'CheckpointReached', data: { position: position.toString() } } }] }));
    // An older checkpoint only costs repeats.
    if (saved && !saved.ok) this.world.log.write('warn', 'fills.checkpoint_not_saved', { code: saved.code, detail: saved.detail });
  }

  private venueOf(data: VenueReportEvent['data']): Venue | undefined {
    return this.venues.get(data.venue);
  }

  /** Reports of one order one after the other; those that name none in a line per account. */
  private keyOf({ data, stream }: RecordedEvent): string {
    const { venue, account, body } = data;
    const clientOrderId = typeof body === 'object' && body !== null && 'client_order_id' in body ? body.client_order_id : undefined;
    const orderId = typeof clientOrderId === 'string' && typeof venue === 'string' ? this.venues.get(venue)?.orderIdOf(clientOrderId) : undefined;
    return orderId ?? (typeof account === 'string' ? account : stream);
  }

  private async apply(recorded: RecordedEvent): Promise<Done> {
    const decoded = decodeVenueReport(recorded);
    const refOf = (reportId: string, sequence?: number): ReportRef => ({ stream: recorded.stream, revision: recorded.revision, report_id: reportId, ...(sequence === undefined ? {} : { sequence }) });
    if (!decoded.ok) return this.quarantine('unknown', 'REPORT_UNREADABLE', decoded.detail, refOf('unreadable'), recorded);
    const { data } = decoded.event;
    const ref = refOf(data.report_id, data.sequence);
    const venue = this.venueOf(data);
    if (!venue) return this.quarantine(data.account, 'ACCOUNT_FOREIGN', `no adapter for venue ${data.venue}`, ref, recorded);
    const raw: RawReport = { report_id: data.report_id, account: data.account, channel: data.channel, body: data.body as JsonObject };
    const reports = interpretRecorded(venue, raw, (clientOrderId) => clientOrderId !== venue.clientOrderId(venue.orderIdOf(clientOrderId) ?? '', 'place', 1));
    for (const group of inGroups(reports)) {
      const done = 'reports' in group ? await this.applyToOrder(venue, raw, group, ref, recorded) : await this.applyOther(data.account, group.report, ref, recorded);
      if (done === 'retry') return 'retry';
    }
    this.world.failpoints.at('fills.applied');
    return 'done';
  }

  private async applyOther(account: string, report: Exclude<VenueReport, ReportOfOrder>, ref: ReportRef, recorded: RecordedEvent): Promise<Done> {
    switch (report.kind) {
      case 'unreadable':
        return this.quarantine(account, 'REPORT_UNREADABLE', report.detail, ref, recorded);
      case 'account_snapshot':
        return this.reconcile(report, ref, recorded);
      // Evidence for whoever asked; the executor judges it against the venue's admissibility window.
      case 'not_found':
        return 'done';
    }
  }

  private async applyToOrder(venue: Venue, { account, channel }: RawReport, group: OrderPart, ref: ReportRef, recorded: RecordedEvent): Promise<Done> {
    const orderId = venue.orderIdOf(group.clientOrderId);
    if (orderId === undefined) return this.quarantine(account, 'ORDER_UNKNOWN', `client order id ${group.clientOrderId} is not one of ours`, ref, recorded);
    const stream = orderStream(orderId);
    let known = true;
    const decide = (loaded: Loaded<OrderState>): readonly Fact<OrderEvent>[] => {
      known = loaded.end.revision !== 'no_stream';
      return known ? factsOf(loaded, group, stream, recorded.id, ref) : [];
    };
    const context = this.context(this.causeOf(recorded));
    // What was asked for is evidence in a doubt that may have come up since: that is judged on the newest state.
    const handled = channel === 'query' ? await handle(this.world.store, orderFolding, stream, context, decide) : await handleKnown(this.world.store, orderFolding, stream, context, decide, { recent: this.recent, tail: this.world.tail });
    if (!handled.ok) {
      this.world.log.write('warn', 'fills.not_applied_yet', { stream, code: handled.code, detail: handled.detail });
      return 'retry';
    }
    if (!known) return this.quarantine(account, 'ORDER_UNKNOWN', `no order ${orderId} is recorded`, ref, recorded);
    for (const event of handled.recorded) this.world.metrics.count('tally_order_events_total', { type: event.type });
    return 'done';
  }

  private causeOf(recorded: RecordedEvent): Cause {
    return { correlationId: String(recorded.metadata['correlationid'] ?? ''), causationId: recorded.id };
  }

  private context(cause: Cause) {
    return recordContext(this.world, this.reference.policyHash(), cause);
  }

  private async reconcile(report: Extract<VenueReport, { kind: 'account_snapshot' }>, ref: ReportRef, recorded: RecordedEvent): Promise<Done> {
    const { account, currency, cash, positions, report_sequence } = report.snapshot;
    const event: ReconciliationEvent = { type: 'AccountReconciled', data: { account, currency, cash, positions, report_sequence, report: ref, venue_time_ms: report.time_ms } };
    return this.recordOnce(reconciliationStream(account), reconciliationFolding, event, recorded);
  }

  private async quarantine(account: string, reason: QuarantineReason, detail: string, report: ReportRef, recorded: RecordedEvent): Promise<Done> {
    this.world.log.write('error', 'report.quarantined', { account, reason, detail, stream: recorded.stream, revision: recorded.revision });
    this.world.metrics.count('tally_quarantined_total', { reason });
    const event: QuarantineEvent = { type: 'ReportQuarantined', data: { account, reason, detail: detail.slice(0, 512), report } };
    return this.recordOnce(quarantineStream(account), quarantineFolding, event, recorded);
  }

  private async recordOnce<E extends { readonly type: string; readonly data: object }>(stream: string, folding: Folding<null, E>, event: E, recorded: RecordedEvent): Promise<Done> {
    const fact: Fact<E> = { id: factIdOf(stream, recorded.id, 0), event };
    const handled = await handle(this.world.store, folding, stream, this.context(this.causeOf(recorded)), () => [fact]);
    if (!handled.ok) this.world.log.write('warn', 'fills.not_recorded_yet', { stream, code: handled.code, detail: handled.detail });
    return handled.ok ? 'done' : 'retry';
  }
}

/** What the reports of a group say, each on the state that those before it lead to. */
const factsOf = ({ state: before, ids }: Loaded<OrderState>, { reports }: OrderPart, stream: string, recordedId: string, ref: ReportRef): readonly Fact<OrderEvent>[] => {
  const facts: Fact<OrderEvent>[] = [];
  let state = before;
  for (const { part, report } of reports) {
    const { client_order_id: _id, ...said } = report;
    for (const [i, event] of interpretReport(state, said as OrderReport, ref).entries()) {
      const id = factIdOf(stream, `${recordedId}/${part}`, i);
      facts.push({ id, event });
      // Recorded by an earlier try: the state has it already.
      if (!ids.has(id)) state = evolveOrder(state, event);
    }
  }
  return facts;
};
