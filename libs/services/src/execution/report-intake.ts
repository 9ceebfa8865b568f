import type { RawReport } from '@tallystick/ports';
import type { Cause, ServicePorts } from '../shared/service-ports.ts';
import type { AccountReports } from './report-log.ts';

/** One append carries what came during the one before; more at once than this only lengthens the queue. */
const IN_FLIGHT_MAX = 64;
const RETRY_MS = 500;

/**
 * Takes a venue's report stream into the log: many under way at once, recorded in the venue's order. A report is recorded only when the one
 * before it is, so the newest in the log tells where the stream goes on. What cannot be recorded is tried again until it is, or until `stop`.
 */
export class ReportIntake {
  private readonly inFlight = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private newest: number | undefined;

  constructor(
    private readonly world: ServicePorts,
    private readonly reports: AccountReports,
    private readonly causeOf: (report: RawReport) => Cause,
  ) {}

  /** Resolves when the next report may come: not yet recorded, but on its way. */
  async take(report: RawReport): Promise<void> {
    while (this.inFlight.size >= IN_FLIGHT_MAX) await Promise.race(this.inFlight);
    const after = this.newest;
    this.newest = report.sequence ?? after;
    const recorded = this.record(report, after);
    this.inFlight.add(recorded);
    void recorded.finally(() => this.inFlight.delete(recorded));
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.inFlight);
  }

  private async record(report: RawReport, after: number | undefined): Promise<void> {
    for (;;) {
      const kept = await this.reports.record(report, this.causeOf(report), after);
      if (kept.ok || this.stopping.signal.aborted) return;
      this.world.log.write('error', 'report.not_recorded_yet', { account: report.account, report_id: report.report_id, code: kept.code, detail: kept.detail });
      await this.world.ports.timers.sleep(RETRY_MS, 'record a report', this.stopping.signal);
    }
  }
}
