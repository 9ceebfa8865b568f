import type { LogTail, RecordContext } from '@tallystick/event-sourcing';
import type { Bus, BusinessClock, EventStore, Failpoints, Log, MarketData, Metrics, Ports } from '@tallystick/ports';

/** Who this process is. */
export interface Identity {
  readonly service: string;
  /** Unique per start: names leases, audit streams, heartbeats. */
  readonly instance: string;
  readonly build: string;
}

/** Everything a service asks of the world. The simulator gives its own. */
export interface ServicePorts {
  readonly identity: Identity;
  readonly ports: Ports;
  readonly business: BusinessClock;
  readonly store: EventStore;
  /** Intents, orders, and what stops orders, as the log hands them over. */
  readonly tail: LogTail;
  readonly bus: Bus;
  readonly market: MarketData;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly failpoints: Failpoints;
  /** W3C traceparent of the work at hand, where there is one. */
  readonly traceparent: () => string | undefined;
  /** Runs `work` as a named part of the trace `parent`, or of the work at hand. Costs nothing when traces are off. */
  readonly inSpan: <T>(name: string, parent: string | undefined, work: () => Promise<T>) => Promise<T>;
}

/** RFC 3339, UTC, from epoch ms. */
export const timeText = (ms: number): string => {
  // The time is an input; Date only spells it.
  // eslint-disable-next-line no-restricted-syntax
  return new Date(ms).toISOString();
};

export interface Cause {
  /** Ties all events of one intent together: its key. */
  readonly correlationId: string;
  /** Id of the event or message that led to this. */
  readonly causationId: string;
  readonly actor?: string;
  /** Where the work at hand has no trace of its own. */
  readonly traceparent?: string;
}

export const recordContext = (world: ServicePorts, policyHash: string, cause: Cause): RecordContext => {
  const traceparent = world.traceparent() ?? cause.traceparent;
  return {
    source: `/services/${world.identity.service}`,
    actor: cause.actor ?? `service:${world.identity.service}`,
    build: world.identity.build,
    policyHash,
    correlationId: cause.correlationId,
    causationId: cause.causationId,
    ...(traceparent === undefined ? {} : { traceparent }),
    time: timeText(world.ports.clock.nowMs()),
  };
};
