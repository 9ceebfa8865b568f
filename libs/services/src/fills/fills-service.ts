import { checkpointStream, decodeCheckpoint, decodeQuarantine, decodeReconciliation, decodeVenueReport, factIdOf, orderStream, quarantineStream, reconciliationStream } from '@tallystick/contracts';
import { interpretReport, type CheckpointEvent, type OrderReport, type QuarantineEvent, type QuarantineReason, type ReconciliationEvent, type ReportRef, type VenueReportEvent } from '@tallystick/domain';
import { drive, handle, OwnedStream, type Drive, type Fact, type Folding } from '@tallystick/event-sourcing';
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

type Done = 'done' | 'retry';

const traceOf = ({ metadata }: RecordedEvent): string | undefined => (typeof metadata['traceparent'] === 'string' ? metadata['traceparent'] : undefined);

/** Turns raw reports, in the log's order per order, into facts of orders. Whatever arrives is applied once, recorded as an anomaly, or quarantined. */
export class FillsService {
  private driving: Drive | undefined;
  private checkpoint: OwnedStream<bigint | undefined, CheckpointEvent> | undefined;

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
  private keyOf(recorded: RecordedEvent): string {
    const decoded = decodeVenueReport(recorded);
    if (!decoded.ok) return recorded.stream;
    const { data } = decoded.event;
    const clientOrderId = data.body['client_order_id'];
    const orderId = typeof clientOrderId === 'string' ? this.venueOf(data)?.orderIdOf(clientOrderId) : undefined;
    return orderId ?? data.account;
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
    for (const [part, report] of reports.entries()) {
      const done = await this.applyOne(venue, data.account, report, ref, recorded, part);
      if (done === 'retry') return 'retry';
    }
    this.world.failpoints.at('fills.applied');
    return 'done';
  }

  private async applyOne(venue: Venue, account: string, report: VenueReport, ref: ReportRef, recorded: RecordedEvent, part: number): Promise<Done> {
    switch (report.kind) {
      case 'unreadable':
        return this.quarantine(account, 'REPORT_UNREADABLE', report.detail, ref, recorded);
      case 'account_snapshot':
        return this.reconcile(report, ref, recorded);
      // Evidence for whoever asked; the executor judges it against the venue's admissibility window.
      case 'not_found':
        return 'done';
      default:
        return this.applyToOrder(venue, account, report, ref, recorded, part);
    }
  }

  private async applyToOrder(venue: Venue, account: string, report: Exclude<VenueReport, { kind: 'unreadable' | 'account_snapshot' | 'not_found' }>, ref: ReportRef, recorded: RecordedEvent, part: number): Promise<Done> {
    const orderId = venue.orderIdOf(report.client_order_id);
    if (orderId === undefined) return this.quarantine(account, 'ORDER_UNKNOWN', `client order id ${report.client_order_id} is not one of ours`, ref, recorded);
    const stream = orderStream(orderId);
    const { client_order_id: _id, ...said } = report;
    const cause = this.causeOf(recorded);
    let known = true;
    const handled = await handle(this.world.store, orderFolding, stream, this.context(cause), (loaded) => {
      known = loaded.end.revision !== 'no_stream';
      if (!known) return [];
      return interpretReport(loaded.state, said as OrderReport, ref).map((event, i) => ({ id: factIdOf(stream, `${recorded.id}/${part}`, i), event }));
    });
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

