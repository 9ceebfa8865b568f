import type { EncodedRequest, HandlerOutcome, RawReport, SendOutcome, Venue } from '@tallystick/ports';
import type { ReferenceData } from '../reference/reference-data.ts';
import { answerReport, type Answered } from '../shared/answers.ts';
import { DONE, retry } from '../shared/outcomes.ts';
import type { Cause, ServicePorts } from '../shared/service-ports.ts';
import { RateGovernor } from './rate-governor.ts';
import { ReportIntake } from './report-intake.ts';
import { AccountReports } from './report-log.ts';

const RETRY_MS = 500;
/** A venue that has not answered by then is taken to be in doubt; longer only delays the question. */
const SEND_DEADLINE_MS = 5_000;
/** Orders whose trace is remembered, so that a fill hours later still belongs to it; the oldest are forgotten. */
const TRACES_MAX = 10_000;

/**
 * One account at its venue: its raw reports, its rate, and whether orders may go there. NOT_READY until the venue's snapshot is in
 * the log and the reports since our last one are being taken.
 */
export class AccountGate {
  readonly reports: AccountReports;
  readonly rate: RateGovernor;
  private readonly intake: ReportIntake;
  private stream: { stop(): Promise<void>; connected(): boolean } | undefined;
  private readonly traces = new Map<string, string>();
  private snapshotTaken = false;
  private stopped = false;
  private readonly starting: Promise<void>;

  constructor(
    private readonly world: ServicePorts,
    readonly venue: Venue,
    readonly account: string,
    readonly riskGroup: string,
    readonly epoch: number,
    /** Resolves when the log may be traded on: until then the account takes cancels and nothing else; false when it never will be. */
    private readonly admitted: Promise<boolean>,
    reference: ReferenceData,
  ) {
    this.reports = new AccountReports(world, venue.descriptor.venue, account, () => reference.policyHash());
    this.intake = new ReportIntake(world, this.reports, (report) => ({ correlationId: account, causationId: report.report_id, ...this.traceOf(report) }));
    this.rate = new RateGovernor(world.ports, venue.descriptor.requests_per_second_max);
    this.starting = this.start();
  }

  state(): 'NOT_READY' | 'READY' | 'DEGRADED' {
    if (!this.snapshotTaken) return 'NOT_READY';
    return this.stream?.connected() ? 'READY' : 'DEGRADED';
  }

  /** Reports of this client order id belong to the trace of the work at hand. */
  trace(clientOrderId: string): void {
    const traceparent = this.world.traceparent();
    if (traceparent === undefined) return;
    this.traces.set(clientOrderId, traceparent);
    const [oldest] = this.traces.keys();
    if (this.traces.size > TRACES_MAX && oldest !== undefined) this.traces.delete(oldest);
  }

  send(request: EncodedRequest): Promise<SendOutcome> {
    return this.venue.send(request, { deadlineMs: SEND_DEADLINE_MS });
  }

  async recordAnswer(clientOrderId: string, outcome: Answered, cause: Cause): Promise<HandlerOutcome> {
    const recorded = await this.reports.record(answerReport(this.account, clientOrderId, outcome, this.world.business.nowMs() ?? 0), cause);
    this.world.failpoints.at('execution.reported');
    return recorded.ok ? DONE : retry(recorded);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.starting;
    await this.stream?.stop();
    await this.intake.stop();
    await this.reports.idle();
  }

  private traceOf({ body }: RawReport): { readonly traceparent?: string } {
    const clientOrderId = body['client_order_id'];
    const traceparent = typeof clientOrderId === 'string' ? this.traces.get(clientOrderId) : undefined;
    return traceparent === undefined ? {} : { traceparent };
  }

  private async start(): Promise<void> {
    if (!(await this.admitted)) return;
    while (!this.stopped) {
      const failed = await this.tryStart();
      if (failed === undefined) return;
      this.world.log.write('warn', 'account.not_ready', { account: this.account, detail: failed });
      await this.world.ports.timers.sleep(RETRY_MS, 'account gate');
    }
  }

  private async tryStart(): Promise<string | undefined> {
    const opened = await this.reports.open();
    if (opened) return `${opened.code}: ${opened.detail}`;
    const snapshot = await this.venue.snapshot(this.account);
    if (snapshot.kind !== 'ok') return snapshot.kind === 'absent' ? `the venue has no account ${this.account}` : `${snapshot.code}: ${snapshot.detail}`;
    const cause = { correlationId: this.account, causationId: this.world.identity.instance };
    const recorded = await this.reports.record(snapshot.value, cause);
    if (!recorded.ok) return `${recorded.code}: ${recorded.detail}`;
    this.stream = this.venue.reports(this.account, this.reports.sequence(), (report) => this.intake.take(report));
    this.snapshotTaken = true;
    this.world.log.write('info', 'account.ready', { account: this.account, after_sequence: this.reports.sequence() });
    return undefined;
  }
}
