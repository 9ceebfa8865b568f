/** W3C trace context: a version, a trace id, a span id and flags, all lower-case hex. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

// Version 00 as the specification gives it; all-zero ids are invalid and are told apart below.
const SHAPE = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const SAMPLED_FLAG = 1;

/** The parts of a `traceparent`, or `undefined` when it is not a valid one of version 00. */
export const parseTraceparent = (text: string | undefined): TraceParent | undefined => {
  const match = text === undefined ? null : SHAPE.exec(text);
  if (match === null) return undefined;
  const [, traceId = '', spanId = '', flags = '00'] = match;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & SAMPLED_FLAG) === SAMPLED_FLAG };
};

export const formatTraceparent = (parts: TraceParent): string => `00-${parts.traceId}-${parts.spanId}-${parts.sampled ? '01' : '00'}`;

/** A new, unsampled trace from a draw of UUIDs: for work that arrives with no trace while tracing is off. */
export const freshTraceparent = (uuid: string): string => {
  const hex = uuid.replaceAll('-', '').toLowerCase();
  // The span id is the tail of the same draw: unique enough for a trace nobody records, and one draw less for a replay.
  return formatTraceparent({ traceId: hex, spanId: hex.slice(16), sampled: false });
};
