import type { Ids } from '@tallystick/ports';
import { currentContext, runInContext } from './context.ts';
import { freshTraceparent, parseTraceparent } from './traceparent.ts';

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** A piece of work seen by tracing. Ending it twice does nothing. */
export interface Span {
  /** W3C `traceparent` for what follows from this span. */
  readonly traceparent: string;
  setAttributes(attributes: SpanAttributes): void;
  /** Marks the span failed; `code` is one of ours, never a message with data in it. */
  fail(code: string): void;
  end(): void;
}

/** What records spans. There is one per process: a recording one, or the default, which only hands the context on. */
export interface TraceBackend {
  start(name: string, attributes: SpanAttributes, parentTraceparent: string | undefined): Span;
  /** Sends what is buffered and stops. */
  shutdown(): Promise<void>;
}

let backend: TraceBackend | undefined;
let drawUuid: () => string = () => '';

/** Set once at boot; `undefined` turns recording off. Returns the way to undo it. */
export const installTracing = (next: TraceBackend | undefined, ids: Ids): (() => void) => {
  const before = { backend, drawUuid };
  backend = next;
  drawUuid = () => ids.unique('trace');
  return () => {
    ({ backend, drawUuid } = before);
  };
};

/** A span that nobody records: it hands its parent on. */
export const handOn = (traceparent: string): Span => ({
  traceparent,
  setAttributes: () => undefined,
  fail: () => undefined,
  end: () => undefined,
});

/** The `traceparent` to hand on from here, or `undefined` when this work belongs to no trace. */
export const currentTraceparent = (): string | undefined => currentContext()?.traceparent;

/**
 * Begins a span under `parentTraceparent`, else under the current context. With recording off the parent is handed on
 * as it is, and a trace id is drawn only when there is none, so that what follows can still be correlated.
 */
export const startSpan = (name: string, attributes: SpanAttributes = {}, parentTraceparent?: string): Span => {
  const parent = parentTraceparent ?? currentTraceparent();
  if (backend !== undefined) return backend.start(name, attributes, parent);
  if (parseTraceparent(parent) !== undefined) return handOn(parent ?? '');
  const uuid = drawUuid();
  return handOn(uuid === '' ? '' : freshTraceparent(uuid));
};

/**
 * Runs `work` inside a span, with the span as current context. A rejection marks the span failed and is passed on.
 * `parentTraceparent` wins over the current context.
 */
export const inSpan = async <T>(
  name: string,
  attributes: SpanAttributes,
  parentTraceparent: string | undefined,
  work: (span: Span) => Promise<T>,
): Promise<T> => {
  const span = startSpan(name, attributes, parentTraceparent);
  const traceparent = span.traceparent === '' ? undefined : span.traceparent;
  try {
    if (traceparent === undefined || traceparent === currentTraceparent()) return await work(span);
    return await runInContext({ traceparent }, () => work(span));
  } catch (error) {
    span.fail('THROWN');
    throw error;
  } finally {
    span.end();
  }
};
