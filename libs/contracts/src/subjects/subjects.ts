/** Commands are carried by JetStream, a work queue per service; the rest is core NATS. */
export type CommandService = 'risk' | 'execution' | 'fills' | 'supervisor';

/** Lanes have consumers of their own, so that cancels never wait behind submits. */
export const LANES = {
  risk: ['evaluate'],
  execution: ['submit', 'cancel'],
} as const;

export const commandSubject = (service: CommandService, partition: number, lane: string): string => `tally.cmd.${service}.${partition}.${lane}`;
export const commandStream = (service: CommandService): string => `CMD_${service.toUpperCase()}`;
export const durableName = (service: CommandService, partition: number, lane: string): string => `${service}-${partition}-${lane}`;

/** Core request; the reply comes after the append and is the acceptance. */
export const intentSubject = (strategy: string): string => `tally.intent.${strategy}`;
export const ALL_INTENTS = 'tally.intent.*';
/** Core request: the full decision and the venue payload, nothing sent. */
export const previewSubject = (strategy: string): string => `tally.preview.${strategy}`;
export const ALL_PREVIEWS = 'tally.preview.*';
export const riskPreviewSubject = (partition: number): string => `tally.query.risk.${partition}.preview`;

/** Snapshots of the market, core NATS: late ones are worthless. */
export const MARKET_SNAPSHOT = 'tally.market.snapshot';
/** Core request, answered with the newest snapshot: how a process that starts late gets its first. */
export const MARKET_CURRENT = 'tally.market.current';

/** Core request: engage the kill switch. Served by the gateway and by every executor, so that either is enough; the reply comes after the append. */
export const KILL_ENGAGE = 'tally.kill.engage';
/** Core NATS: an executor has applied a kill. */
export const KILL_ACKNOWLEDGED = 'tally.kill.acknowledged';

/** Relayed from the log for strategies and outsiders. `event` is the event's type. */
export const eventSubject = (category: string, event: string, account: string): string => `tally.evt.${category}.${event}.${account}`;

/** Core request to one strategy instance in lockstep; its reply ends its turn. */
export const turnSubject = (instance: string): string => `tally.turn.${instance}`;
export const heartbeatSubject = (instance: string): string => `tally.heartbeat.${instance}`;
export const controlSubject = (instance: string): string => `tally.control.${instance}`;
export const querySubject = (query: string): string => `tally.query.${query}`;

export const deadLetterSubject = (service: string): string => `tally.dlq.${service}`;
export const DEAD_LETTER_STREAM = 'DLQ';
