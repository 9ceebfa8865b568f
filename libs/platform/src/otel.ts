import type * as OtelApi from '@opentelemetry/api';
import type { Attributes, Context, Span as OtelSpan, Tracer } from '@opentelemetry/api';
import type { Ids, Log } from '@tallystick/ports';
import { formatTraceparent, parseTraceparent } from './traceparent.ts';
import { handOn, installTracing } from './tracing.ts';
import type { Span, TraceBackend } from './tracing.ts';

export interface TracingOptions {
  readonly service: string;
  readonly build: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly ids: Ids;
  readonly log: Log;
}

export interface Tracing {
  readonly recording: boolean;
  /** Sends what is buffered, for at most two seconds, and turns recording off. */
  shutdown(): Promise<void>;
}

// One order in ten shows where time goes; the log of events, not the trace, is the record.
const SAMPLE_RATIO = 0.1;
// A collector that is away must not hold up the end of a process.
const SHUTDOWN_MS_MAX = 2_000;

type Api = typeof OtelApi;

const parentContext = (api: Api, traceparent: string | undefined): Context => {
  const parent = parseTraceparent(traceparent);
  if (parent === undefined) return api.ROOT_CONTEXT;
  const { traceId, spanId, sampled } = parent;
  return api.trace.setSpanContext(api.ROOT_CONTEXT, { traceId, spanId, traceFlags: sampled ? api.TraceFlags.SAMPLED : api.TraceFlags.NONE, isRemote: true });
};

const wrap = (api: Api, span: OtelSpan): Span => {
  const { traceId, spanId, traceFlags } = span.spanContext();
  let ended = false;
  return {
    traceparent: formatTraceparent({ traceId, spanId, sampled: (traceFlags & api.TraceFlags.SAMPLED) !== 0 }),
    setAttributes: (attributes) => void span.setAttributes(attributes as Attributes),
    fail: (code) => void span.setStatus({ code: api.SpanStatusCode.ERROR, message: code }),
    end: () => {
      if (!ended) span.end();
      ended = true;
    },
  };
};

/** `TALLY_TRACE_RATIO`, 0 to 1; anything else is the default. */
const ratioFrom = (env: TracingOptions['env']): number => {
  const text = env['TALLY_TRACE_RATIO']?.trim() ?? '';
  const ratio = text === '' ? SAMPLE_RATIO : Number(text);
  return ratio >= 0 && ratio <= 1 ? ratio : SAMPLE_RATIO;
};

const startSdk = async ({ service, build, env }: TracingOptions): Promise<TraceBackend> => {
  // Only here: together these cost a third of a second and 44 MB.
  const [api, { NodeSDK }, { BatchSpanProcessor, ParentBasedSampler, SamplingDecision, TraceIdRatioBasedSampler }, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const ratio = new TraceIdRatioBasedSampler(ratioFrom(env));
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({ 'service.name': service, 'service.version': build }),
    resourceDetectors: [],
    metricReaders: [],
    logRecordProcessors: [],
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
    // A parent that is not sampled may only mean that its process records nothing: the trace id decides, the same everywhere.
    sampler: new ParentBasedSampler({ root: ratio, remoteParentNotSampled: ratio }),
  });
  sdk.start();
  const tracer: Tracer = api.trace.getTracer('tallystick', build);
  return {
    start: (name, attributes, parentTraceparent) => {
      const parent = parseTraceparent(parentTraceparent);
      // Nine traces in ten: what the sampler would say is asked before a span is made for nothing.
      if (parent?.sampled === false && ratio.shouldSample(api.ROOT_CONTEXT, parent.traceId).decision === SamplingDecision.NOT_RECORD) return handOn(parentTraceparent ?? '');
      return wrap(api, tracer.startSpan(name, { attributes: attributes as Attributes }, parentContext(api, parentTraceparent)));
    },
    shutdown: async () => {
      await sdk.shutdown();
      api.trace.disable();
    },
  };
};

/**
 * Turns tracing on when `OTEL_EXPORTER_OTLP_ENDPOINT` is set (OTLP over HTTP); otherwise spans only hand their context on, at no cost. The share of
 * traces recorded is `TALLY_TRACE_RATIO`, default 0.1. An exporter that cannot be started is logged, and the process runs without.
 */
export const startTracing = async (options: TracingOptions): Promise<Tracing> => {
  const { env, ids, log } = options;
  const endpoint = env['OTEL_EXPORTER_OTLP_ENDPOINT']?.trim() ?? '';
  let backend: TraceBackend | undefined;
  if (endpoint !== '' && env['OTEL_SDK_DISABLED'] !== 'true') {
    try {
      backend = await startSdk(options);
    } catch (error) {
      log.write('error', 'tracing.not_started', { error });
    }
  }
  const uninstall = installTracing(backend, ids);
  return {
    recording: backend !== undefined,
    shutdown: async () => {
      uninstall();
      if (backend === undefined) return;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, SHUTDOWN_MS_MAX);
      });
      try {
        await Promise.race([backend.shutdown(), late]);
      } catch (error) {
        log.write('warn', 'tracing.spans_lost', { error });
      } finally {
        clearTimeout(timer);
      }
    },
  };
};
