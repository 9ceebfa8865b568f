import { venueReportStream } from '@tallystick/contracts';
import type { ReportRef, VenueReportEvent } from '@tallystick/domain';
import { OwnedStream } from '@tallystick/event-sourcing';
import type { RawReport } from '@tallystick/ports';
import { dayBefore, dayOf } from '../shared/day-streams.ts';
import { reportFolding, type ReportLog } from '../shared/foldings.ts';
import { recordContext, type Cause, type ServicePorts } from '../shared/service-ports.ts';

type Failure = { readonly ok: false; readonly code: string; readonly detail: string };

/** Law 5: raw reports of one account, recorded before anything reads them. One writer, a stream a business day. */
export class AccountReports {
  private owned: OwnedStream<ReportLog, VenueReportEvent> | undefined;
  private day = '';
  private opening: Promise<Failure | undefined> | undefined;
  /** Where the venue's stream goes on, across days. */
  private lastSequence = 0;

  constructor(
    private readonly world: ServicePorts,
    private readonly venue: string,
    readonly account: string,
    private readonly policyHash: () => string,
  ) {}

  /** The sequence up to which the venue's reports are in the log. */
  sequence(): number {
    return Math.max(this.lastSequence, this.owned?.peek().lastSequence ?? 0);
  }

  async open(): Promise<Failure | undefined> {
    return this.ensureDay();
  }

  /**
   * Durable when it resolves; a report recorded before is not recorded twice. With `after` it is refused (REPORT_OUT_OF_TURN) for as long as
   * the venue's report of that sequence is not in the log: a report must not stand for one before it that was lost.
   */
  async record(report: RawReport, cause: Cause, after = 0): Promise<{ readonly ok: true; readonly ref: ReportRef } | Failure> {
    const failed = await this.ensureDay();
    if (failed) return failed;
    const { owned } = this;
    if (!owned) return { ok: false, code: 'STORE_UNAVAILABLE', detail: `the reports of ${this.account} are not open` };
    const data: VenueReportEvent['data'] = {
      report_id: report.report_id, venue: this.venue, account: report.account, channel: report.channel, body: report.body,
      ...(report.sequence === undefined ? {} : { sequence: report.sequence }),
    };
    const outcome = await owned.submit(recordContext(this.world, this.policyHash(), cause), (state) => {
      if (state.reportIds.has(report.report_id)) return { facts: [], result: 'kept' };
      if (Math.max(this.lastSequence, state.lastSequence) < after) return { facts: [], result: 'out of turn' };
      return { facts: [{ id: this.world.ports.ids.unique('report'), event: { type: 'VenueReportReceived', data } }], result: 'kept' };
    });
    if (!outcome.ok) return outcome;
    if (outcome.result === 'out of turn') return { ok: false, code: 'REPORT_OUT_OF_TURN', detail: `report ${after} of ${this.account} is not in the log yet` };
    const ref: ReportRef = { stream: owned.stream, revision: outcome.revision === 'no_stream' ? 0 : outcome.revision, report_id: report.report_id,
      ...(report.sequence === undefined ? {} : { sequence: report.sequence }) };
    return { ok: true, ref };
  }

  async idle(): Promise<void> {
    await this.owned?.idle();
  }

  private ensureDay(): Promise<Failure | undefined> {
    if (this.opening) return this.opening;
    const now = this.world.business.nowMs();
    if (now === undefined) return Promise.resolve(this.owned ? undefined : { ok: false, code: 'CLOCK_UNREADABLE', detail: 'the market clock cannot be read' });
    const day = dayOf(now);
    if (this.owned && day <= this.day) return Promise.resolve(undefined);
    this.opening = this.openDay(day).finally(() => {
      this.opening = undefined;
    });
    return this.opening;
  }

  private async openDay(day: string): Promise<Failure | undefined> {
    const nameOf = (of: string): string => venueReportStream(this.account, of);
    await this.owned?.idle();
    const sequenceSoFar = this.sequence();
    if (!this.owned) {
      const before = await dayBefore(this.world.store, nameOf, day);
      if (!before.ok) return before;
      if (before.day !== undefined) {
        const last = await OwnedStream.open(this.world.store, reportFolding, nameOf(before.day));
        if (!last.ok) return last;
        this.lastSequence = last.owned.peek().lastSequence;
      }
    } else this.lastSequence = sequenceSoFar;
    const opened = await OwnedStream.open(this.world.store, reportFolding, nameOf(day));
    if (!opened.ok) return opened;
    this.owned = opened.owned;
    this.day = day;
    return undefined;
  }
}
