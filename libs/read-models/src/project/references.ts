import type { AuditEvent, InstrumentEvent, KillEvent, PolicyEvent, ProcessEvent, QuarantineEvent, RateEvent, ReconciliationEvent } from '@tallystick/domain';
import type { RecordedEvent } from '@tallystick/ports';
import type { ReadModelFile } from '../store/database.ts';
import { versionsOf, type Versions } from '../store/versions.ts';
import { recordAnomaly } from './anomalies.ts';
import { recordRefusals } from './refusals.ts';

export const projectPolicy = (file: ReadModelFile, { data }: PolicyEvent, { position, recordedAtMs }: RecordedEvent): void => {
  // Sequence numbers only rise; a repeat or an older one changes nothing, as in the domain's fold.
  const newest = file.get('SELECT max(sequence) AS sequence FROM policies WHERE name = ?', data.document.name)?.['sequence'];
  if (typeof newest === 'number' && data.sequence <= newest) return;
  file.run('INSERT INTO policies (position, name, sequence, policy_hash, activation, recorded_at_ms) VALUES (?, ?, ?, ?, ?, ?)',
    position, data.document.name, data.sequence, data.policy_hash, JSON.stringify(data), recordedAtMs);
};

export const projectInstrument = (file: ReadModelFile, { type, data }: InstrumentEvent, { position }: RecordedEvent): void => {
  file.run('INSERT INTO instruments (position, venue, symbol, listed, body) VALUES (?, ?, ?, ?, ?)',
    position, data.venue, data.symbol, type === 'InstrumentListed' ? 1 : 0, JSON.stringify(data));
};

export const projectRate = (file: ReadModelFile, { data }: RateEvent, { position }: RecordedEvent): void => {
  file.run('INSERT INTO rates (position, base, currency, rate, time_ms, source) VALUES (?, ?, ?, ?, ?, ?)', position, data.base, data.currency, data.rate, data.time_ms, data.source);
};

export const projectReconciliation = (file: ReadModelFile, { data }: ReconciliationEvent, { position, recordedAtMs }: RecordedEvent): void => {
  file.run('INSERT INTO reconciliations (position, account, currency, cash, positions, report_sequence, venue_time_ms, recorded_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    position, data.account, data.currency, data.cash, JSON.stringify(data.positions), data.report_sequence, data.venue_time_ms, recordedAtMs);
};

/** The switch's own events, and what executors said of them. */
const recordKill = (file: ReadModelFile, type: string, data: object, { position, recordedAtMs }: RecordedEvent): void => {
  file.run('INSERT INTO kill_events (position, type, data, recorded_at_ms) VALUES (?, ?, ?, ?)', position, type, JSON.stringify(data), recordedAtMs);
};

export const projectKill = (file: ReadModelFile, { type, data }: KillEvent, recorded: RecordedEvent): void => recordKill(file, type, data, recorded);

export const projectQuarantine = (file: ReadModelFile, { data }: QuarantineEvent, recorded: RecordedEvent): void =>
  recordAnomaly(file, { source: 'quarantine', kind: data.reason, detail: data.detail, account: data.account, report: data.report }, recorded);

export const projectAudit = (file: ReadModelFile, { type, data }: AuditEvent, recorded: RecordedEvent): void => {
  if (type === 'IntentMalformed') {
    recordRefusals(file, { position: recorded.position, recordedAtMs: recorded.recordedAtMs, stage: 'malformed' }, [{ code: data.code, detail: data.detail, scope: data.channel }]);
  } else if (type === 'KillAcknowledged') {
    recordKill(file, type, data, recorded);
  } else {
    recordAnomaly(file, { source: 'audit', kind: data.code, detail: data.detail, orderId: data.order_id }, recorded);
  }
};

/** What is wanted of a strategy instance and what is known of it. */
export interface InstanceBody {
  readonly instance_id: string;
  readonly strategy?: string;
  readonly strategy_version?: string;
  readonly account?: string;
  readonly mode?: string;
  readonly desired?: 'running' | 'stopped';
  readonly desired_reason?: string;
  readonly actual: 'unknown' | 'starting' | 'running' | 'silent' | 'exited';
  readonly run_id?: string;
  readonly pid?: number;
  readonly started_at_ms?: number;
  readonly exits: number;
  readonly last_exit?: string;
}

export const evolveInstance = (body: InstanceBody, event: ProcessEvent): InstanceBody => {
  switch (event.type) {
    case 'InstanceDesired': {
      const { strategy, strategy_version, account, mode, desired, reason } = event.data;
      return { ...body, strategy, strategy_version, account, mode, desired, desired_reason: reason };
    }
    case 'InstanceStartIntended':
      return { ...body, actual: 'starting', run_id: event.data.run_id };
    case 'InstanceStarted':
      return { ...body, actual: 'running', run_id: event.data.run_id, pid: event.data.pid, started_at_ms: event.data.started_at_ms };
    case 'InstanceExited': {
      const { run_id: runId, exit_code: code, signal, detail } = event.data;
      if (body.run_id !== undefined && body.run_id !== runId) return body;
      return { ...body, actual: 'exited', exits: body.exits + 1, last_exit: signal ?? (code === undefined ? detail : `code ${code}`) };
    }
    case 'InstanceSilent':
      return body.run_id === event.data.run_id ? { ...body, actual: 'silent' } : body;
  }
};

export class InstanceProjection {
  private readonly versions: Versions;

  constructor(private readonly file: ReadModelFile) {
    this.versions = versionsOf(file, 'instances', ['instance_id'], ['body']);
  }

  project(event: ProcessEvent, { position }: RecordedEvent): void {
    const id = event.data.instance_id;
    const row = this.file.get('SELECT body FROM instances WHERE instance_id = ? AND valid_to IS NULL', id);
    const before: InstanceBody = row ? (JSON.parse(String(row['body'])) as InstanceBody) : { instance_id: id, actual: 'unknown', exits: 0 };
    this.versions.put(position, [id], [JSON.stringify(evolveInstance(before, event))]);
  }
}
