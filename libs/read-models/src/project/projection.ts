import {
  CATEGORIES, decodeAudit, decodeInstrument, decodeIntent, decodeKill, decodeOrder, decodePolicy, decodeProcess, decodeQuarantine, decodeRate, decodeReconciliation,
  decodeRiskGroup, type DecodedEvent,
} from '@tallystick/contracts';
import type { RecordedEvent } from '@tallystick/ports';
import { NOWHERE, type ReadModelFile } from '../store/database.ts';
import { recordAnomaly } from './anomalies.ts';
import { projectIntent } from './intents.ts';
import { OrderProjection } from './orders.ts';
import { PositionProjection } from './positions.ts';
import { InstanceProjection, projectAudit, projectInstrument, projectKill, projectPolicy, projectQuarantine, projectRate, projectReconciliation } from './references.ts';
import { RiskProjection } from './risk.ts';

const FOLDED = ['intent', 'order', 'riskGroup', 'reconciliation', 'process', 'policy', 'quarantine', 'instrument', 'rate', 'kill', 'audit'] as const;
type Folded = (typeof FOLDED)[number];

/** Streams the read model is folded from. Raw venue reports, leases and checkpoints say nothing that operators query. */
export const FOLDED_PREFIXES: readonly string[] = FOLDED.map((category) => CATEGORIES[category].prefix);

const categoryOf = (stream: string): Folded | undefined => FOLDED.find((category) => stream.startsWith(CATEGORIES[category].prefix));

/** What the fold keeps in memory beside its tables. Thrown away with the transaction that it belongs to. */
interface Memory {
  readonly orders: OrderProjection;
  readonly positions: PositionProjection;
  readonly risk: RiskProjection;
  readonly instances: InstanceProjection;
  newestTimeMs: number;
  originKnown: boolean;
}

const memoryOf = (file: ReadModelFile): Memory => ({
  orders: new OrderProjection(file), positions: new PositionProjection(file), risk: new RiskProjection(file), instances: new InstanceProjection(file),
  originKnown: file.meta('origin') !== undefined,
  newestTimeMs: Number(file.get('SELECT recorded_at_ms FROM log_times ORDER BY position DESC LIMIT 1')?.['recorded_at_ms'] ?? -1),
});

/**
 * Events into rows. The same log gives the same rows, whatever the batches and restarts it came in: a row depends on the events up to its
 * position and on nothing else.
 */
export class Projection {
  private memory: Memory;

  constructor(private readonly file: ReadModelFile) {
    this.memory = memoryOf(file);
  }

  /** One transaction: the rows of `events` and the checkpoint, moved to the last of them or to `considered` where that is further. */
  apply(events: readonly RecordedEvent[], considered: bigint = NOWHERE): void {
    const from = this.file.position();
    let position = from;
    let count = 0;
    try {
      this.file.transaction(() => {
        for (const event of events) {
          // A subscription that resumes may hand over again what is in the tables already.
          if (event.position <= position) continue;
          if (!this.memory.originKnown) this.remember(event);
          this.project(event);
          ({ position } = event);
          count += 1;
        }
        if (considered > position) position = considered;
        if (position > from) this.file.run('UPDATE checkpoint SET position = ?, events = events + ?', position, count);
      });
    } catch (error) {
      this.memory = memoryOf(this.file);
      throw error;
    }
  }

  /** The first event, by which another log is told from this one. */
  private remember({ stream, id }: RecordedEvent): void {
    this.file.setMeta('origin', JSON.stringify({ stream, id }));
    this.memory.originKnown = true;
  }

  private project(recorded: RecordedEvent): void {
    if (recorded.recordedAtMs > this.memory.newestTimeMs) {
      this.file.run('INSERT INTO log_times (position, recorded_at_ms) VALUES (?, ?)', recorded.position, recorded.recordedAtMs);
      this.memory.newestTimeMs = recorded.recordedAtMs;
    }
    const category = categoryOf(recorded.stream);
    if (category !== undefined) this.projectCategory(category, recorded);
  }

  private projectCategory(category: Folded, recorded: RecordedEvent): void {
    const { file, memory } = this;
    switch (category) {
      case 'order':
        return this.projectOrder(recorded);
      case 'intent':
        return this.readable(decodeIntent(recorded), recorded, (event) => projectIntent(file, event, recorded));
      case 'riskGroup':
        return this.readable(decodeRiskGroup(recorded), recorded, (event) => memory.risk.project(event, recorded));
      case 'reconciliation':
        return this.readable(decodeReconciliation(recorded), recorded, (event) => projectReconciliation(file, event, recorded));
      case 'process':
        return this.readable(decodeProcess(recorded), recorded, (event) => memory.instances.project(event, recorded));
      case 'policy':
        return this.readable(decodePolicy(recorded), recorded, (event) => projectPolicy(file, event, recorded));
      case 'quarantine':
        return this.readable(decodeQuarantine(recorded), recorded, (event) => projectQuarantine(file, event, recorded));
      case 'instrument':
        return this.readable(decodeInstrument(recorded), recorded, (event) => projectInstrument(file, event, recorded));
      case 'rate':
        return this.readable(decodeRate(recorded), recorded, (event) => projectRate(file, event, recorded));
      case 'kill':
        return this.readable(decodeKill(recorded), recorded, (event) => projectKill(file, event, recorded));
      case 'audit':
        return this.readable(decodeAudit(recorded), recorded, (event) => projectAudit(file, event, recorded));
    }
  }

  private projectOrder(recorded: RecordedEvent): void {
    const decoded = decodeOrder(recorded);
    const orderNo = this.memory.orders.project(decoded.ok ? decoded.event : undefined, recorded);
    this.readable(decoded, recorded, (event) => this.memory.positions.project(event, orderNo, recorded));
  }

  /** What cannot be read is shown as an anomaly, never guessed at and never a reason to stop. */
  private readable<E>(decoded: DecodedEvent<E>, recorded: RecordedEvent, then: (event: E) => void): void {
    if (decoded.ok) then(decoded.event);
    else recordAnomaly(this.file, { source: 'log', kind: decoded.code, detail: decoded.detail }, recorded);
  }
}
