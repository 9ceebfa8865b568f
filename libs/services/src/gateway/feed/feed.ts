import { CATEGORIES, toCloudEvent, type Category } from '@tallystick/contracts';
import type { Position, RecordedEvent, Stop } from '@tallystick/ports';
import type { GatewayPorts } from '../gateway-ports.ts';
import type { HttpRequest, HttpResponse } from '../http/exchange.ts';
import { Problem } from '../http/problem.ts';

/** Intermediaries close what says nothing for a minute; browsers notice a dead connection sooner with this. */
const HEARTBEAT_MS = 15_000;
/** Each stream is a subscription on the store; a screen needs one. */
const STREAMS_MAX = 64;
/** Who does not take what the socket holds within this is not watching: they resume from their last id. */
const DRAIN_MS_MAX = 10_000;

/** Categories that outsiders may follow: leases and checkpoints are the machinery's own. */
const OPEN: readonly Category[] = ['intent', 'order', 'riskGroup', 'venueReport', 'quarantine', 'reconciliation', 'policy', 'instrument', 'rate', 'process', 'kill', 'anchor', 'audit'];

export interface FeedFilters {
  readonly category?: string | undefined;
  readonly account?: string | undefined;
  readonly order_id?: string | undefined;
  readonly after?: string | undefined;
}

const POSITION = /^\d{1,19}$/;

const categoriesOf = (text: string | undefined): readonly Category[] => {
  if (text === undefined) return OPEN;
  return text.split(',').map((name) => {
    const found = OPEN.find((category) => category === name.trim());
    if (!found) throw new Problem({ status: 400, code: 'CATEGORY_UNKNOWN', detail: `${name.trim().slice(0, 64)} is no category; there are ${OPEN.join(', ')}` });
    return found;
  });
};

const prefixesOf = ({ category, order_id: orderId }: FeedFilters): readonly string[] =>
  orderId === undefined ? categoriesOf(category).map((name) => CATEGORIES[name].prefix) : [`${CATEGORIES.order.prefix}${orderId}`];

const categoryOf = (stream: string): Category | undefined => OPEN.find((category) => stream.startsWith(CATEGORIES[category].prefix));

const startOf = (lastEventId: string | undefined, after: string | undefined): Position | 'end' => {
  const from = lastEventId ?? after;
  if (from === undefined || from === '') return 'end';
  if (!POSITION.test(from)) throw new Problem({ status: 400, code: 'LAST_EVENT_ID_INVALID', detail: 'Last-Event-ID is a log position, as the feed gave it' });
  return BigInt(from);
};

/** The account an event is about, where it says so; events of an order say it through their order. */
const accountOf = ({ data, stream }: RecordedEvent, accountOfOrder: (orderId: string) => string | undefined): string | undefined => {
  const said = data as { readonly account?: unknown; readonly terms?: { readonly account?: unknown }; readonly intent?: { readonly account?: unknown } };
  const named = said.account ?? said.terms?.account ?? said.intent?.account;
  if (typeof named === 'string') return named;
  return stream.startsWith(CATEGORIES.order.prefix) ? accountOfOrder(stream.slice(CATEGORIES.order.prefix.length)) : undefined;
};

/** Live feeds by SSE, each with its own subscription, so that a slow watcher holds up itself and nobody else. */
export class Feed {
  private readonly open = new Set<() => void>();

  constructor(private readonly ports: GatewayPorts) {}

  count(): number {
    return this.open.size;
  }

  /** Ends all feeds: watchers come back by themselves, to wherever the gateway then is. */
  stop(): void {
    for (const end of [...this.open]) end();
  }

  /** Answers `request` for as long as it lasts. `lastEventId` wins over `after`; without either it begins now. */
  serve(request: HttpRequest, response: HttpResponse, lastEventId: string | undefined, filters: FeedFilters): void {
    const streamPrefixes = prefixesOf(filters);
    const after = startOf(lastEventId, filters.after);
    if (this.open.size >= STREAMS_MAX) throw new Problem({ status: 503, code: 'TOO_MANY_STREAMS', detail: `${STREAMS_MAX} feeds are open; close one`, headers: { 'Retry-After': '30' } });
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' });
    response.write(`retry: 1000\n: tallystick feed, ${streamPrefixes.join(' ')}\n\n`);
    this.follow(request, response, { after, streamPrefixes, account: filters.account });
  }

  private follow(request: HttpRequest, response: HttpResponse, options: { readonly after: Position | 'end'; readonly streamPrefixes: readonly string[]; readonly account: string | undefined }): void {
    const { store, ports: { timers }, log } = this.ports.service;
    const closed = new AbortController();
    let considered: Position | undefined;
    const end = (): void => {
      if (!this.open.delete(end)) return;
      closed.abort();
      stopBeats();
      void subscription.stop();
      if (!response.writableEnded) response.end();
    };
    const send = async (text: string): Promise<void> => {
      if (closed.signal.aborted || response.write(text)) return;
      const drained = new Promise<boolean>((resolve) => response.once('drain', () => resolve(true)));
      if (await Promise.race([drained, timers.sleep(DRAIN_MS_MAX, 'feed drain', closed.signal).then(() => false)])) return;
      log.write('warn', 'feed.slow_watcher', { waited_ms: DRAIN_MS_MAX });
      end();
      response.destroy();
    };
    const subscription = store.subscribeAll({
      name: 'feed', after: options.after, streamPrefixes: options.streamPrefixes,
      onEvent: (event) => this.deliver(event, options.account, send),
      onCheckpoint: (position) => {
        considered = position;
      },
      onFailed: (error) => {
        log.write('error', 'feed.failed', { error });
        end();
      },
    });
    const stopBeats: Stop = timers.every(HEARTBEAT_MS, 'feed heartbeat', () => {
      // An id without data moves the place to resume from past events that the filters leave out.
      const at = newest(subscription.position(), considered);
      return send(`${at === undefined ? '' : `id: ${at}\n`}: heartbeat\n\n`);
    });
    this.open.add(end);
    request.on('close', end);
    response.once('close', end);
  }

  private async deliver(event: RecordedEvent, account: string | undefined, send: (text: string) => Promise<void>): Promise<void> {
    const category = categoryOf(event.stream);
    if (category === undefined) return;
    if (account !== undefined && accountOf(event, (orderId) => this.ports.readModel.queries.order(orderId)?.account) !== account) return;
    const told = toCloudEvent(category, event);
    if (!told) return;
    await send(`id: ${event.position}\nevent: ${event.type}\ndata: ${JSON.stringify(told)}\n\n`);
  }
}

const newest = (a: Position | undefined, b: Position | undefined): Position | undefined => (a === undefined || (b !== undefined && b > a) ? b : a);
