import type { AccountViewV1, AnomalyViewV1, DeadLetterV1, IntentViewV1, OrderViewV1, PositionViewV1, RedriveResultV1, RefusalViewV1, TimelineEntryV1 } from '@tallystick/contracts';
import type { EngagedKill, KillAcknowledgement, KillOrder, KillState, PolicyActivation, ReleaseProposal } from '@tallystick/domain';
import type { JsonValue, MarketData, Position } from '@tallystick/ports';
import type { KillFile } from '../kill/kill-file.ts';
import type { ServicePorts } from '../shared/service-ports.ts';

export interface ViewPage<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

export type PagedView<T> = { readonly ok: true; readonly page: ViewPage<T> } | { readonly ok: false; readonly code: 'CURSOR_INVALID' };

export interface PageAsked {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

type Filters<K extends string> = { readonly [N in K]?: string | undefined };

/** A strategy instance as its stream tells it. */
export interface InstanceView {
  readonly instance_id: string;
  readonly strategy?: string;
  readonly desired?: 'running' | 'stopped';
  readonly actual: 'unknown' | 'starting' | 'running' | 'silent' | 'exited';
  readonly pid?: number;
  readonly started_at_ms?: number;
  readonly exits: number;
  readonly last_exit?: string;
}

/** An engaged kill, where it was recorded, and which executors said that they hold it. */
export interface KillRecord {
  readonly kill: EngagedKill;
  readonly position: Position;
  readonly acknowledged: readonly KillAcknowledgement[];
  /** The newest proposal to release it; it may have expired. */
  readonly proposal?: ReleaseProposal;
}

/** What is folded from the log. Synchronous: an answer and the position read beside it are of the same state. `at`: as of that position. */
export interface Views {
  position(): Position;
  positionAt(timeMs: number): Position;
  intents(filters: Filters<'account' | 'strategy' | 'mode' | 'status'>, page: PageAsked, at?: Position): PagedView<IntentViewV1>;
  intent(intentKey: string, at?: Position): IntentViewV1 | undefined;
  orders(filters: Filters<'account' | 'strategy' | 'mode' | 'symbol' | 'status' | 'intent_key'>, page: PageAsked, at?: Position): PagedView<OrderViewV1>;
  order(orderId: string, at?: Position): OrderViewV1 | undefined;
  timeline(orderId: string, at?: Position): readonly TimelineEntryV1[] | undefined;
  riskGroupOfOrder(orderId: string): string | undefined;
  positions(filters: Filters<'account' | 'strategy' | 'mode' | 'symbol'>, page: PageAsked, at?: Position): PagedView<PositionViewV1>;
  accounts(filters: Filters<'mode'>, page: PageAsked, at?: Position): PagedView<AccountViewV1>;
  account(account: string, at?: Position): AccountViewV1 | undefined;
  refusals(filters: Filters<'account' | 'code' | 'order_id'>, page: PageAsked, at?: Position): PagedView<RefusalViewV1>;
  anomalies(filters: Filters<'account' | 'code' | 'order_id'>, page: PageAsked, at?: Position): PagedView<AnomalyViewV1>;
  ordersByStatus(at?: Position): Readonly<Record<string, number>>;
  refusalsByCode(at?: Position): Readonly<Record<string, number>>;
  anomaliesByKind(at?: Position): Readonly<Record<string, number>>;
  policies(at?: Position): readonly PolicyActivation[];
  kill(at?: Position): KillState;
  /** What is engaged now. */
  kills(): readonly KillRecord[];
  /** Orders of a scope that are open now or, with `since`, were open at that position. */
  killOrders(scope: string, since?: Position): readonly KillOrder[];
  instances(at?: Position): readonly InstanceView[];
}

/** The read model as the gateway sees it. */
export interface ReadModelPort {
  readonly queries: Views;
  waitFor(position: Position, withinMs: number): Promise<boolean>;
  isLive(): boolean;
  /** Why it does not follow the log at present, if it does not. */
  fault(): string | undefined;
}

export interface DeadLettersPort {
  /** Rejects when the bus cannot answer. */
  list(filter: { readonly service?: string; readonly limit?: number; readonly afterSequence?: number }): Promise<readonly DeadLetterV1[]>;
  redrive(sequence: number): Promise<RedriveResultV1['results'][number]>;
  redriveAll(filter: { readonly service?: string }): Promise<readonly RedriveResultV1['results'][number][]>;
}

/** How a service's own health page answered. */
export type Probe =
  | { readonly kind: 'answered'; readonly ok: boolean; readonly detail?: string }
  | { readonly kind: 'silent'; readonly detail: string };

/** Everything the gateway asks of the world, beside what every service asks. */
export interface GatewayPorts {
  readonly service: ServicePorts;
  readonly readModel: ReadModelPort;
  readonly deadLetters: DeadLettersPort;
  readonly tokens: TokenDirectory;
  readonly market: MarketData;
  /** The one of the gateway's own host. */
  readonly killFile: KillFile;
  busConnected(): boolean;
  /** Looks at `<url>/readyz` of one service. Never rejects. */
  probe(url: string): Promise<Probe>;
  /** Answers core requests on a subject until stopped. */
  serve(subject: string, handler: (body: JsonValue) => Promise<JsonValue>): { stop(): Promise<void> };
  /** The generated OpenAPI document, where it was built. */
  openApi(): Promise<string | undefined>;
}

/** Who holds a token. The token itself is known to its holder only. */
export interface TokenHolder {
  readonly name: string;
  readonly scopes: readonly string[];
}

export interface TokenDirectory {
  /** `undefined` for a token nobody was given, or one that has expired. */
  holderOf(token: string): TokenHolder | undefined;
}
