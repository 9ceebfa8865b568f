import { AccountsQueryV1, KILL_ENGAGE, OrdersQueryV1, PositionsQueryV1, querySubject } from '@tallystick/contracts';
import type { JsonValue } from '@tallystick/ports';
import { answerKillMessage } from '../kill/kill-door.ts';
import { KillDesk } from '../kill/kill-desk.ts';
import { Feed } from './feed/feed.ts';
import type { GatewayConfig } from './gateway-config.ts';
import type { GatewayPorts } from './gateway-ports.ts';
import { Problem } from './http/problem.ts';
import { readQuery } from './http/query.ts';
import { MalformedLog } from './use-cases/malformed-log.ts';
import { pageAnswer, readAt } from './use-cases/reading.ts';
import { readStatus } from './use-cases/status.ts';
import { IntentDoor } from './use-cases/submit.ts';

/** A core message holds 64 KiB; so many orders of at most 1 KiB fit for sure. */
const BUS_LIMIT_MAX = 50;
/** An account has a line per limit of every scope that holds for it. */
const BUS_ACCOUNTS_MAX = 10;

const asJson = (value: object): JsonValue => JSON.parse(JSON.stringify(value)) as JsonValue;

/** The operators' door: what its controllers share, and the same reads for strategies over core NATS. */
export class Gateway {
  readonly intents: IntentDoor;
  readonly feed: Feed;
  readonly killDesk: KillDesk;
  private responders: readonly { stop(): Promise<void> }[] = [];

  constructor(
    readonly ports: GatewayPorts,
    readonly config: GatewayConfig,
  ) {
    this.intents = new IntentDoor(ports, new MalformedLog(ports.service));
    this.feed = new Feed(ports);
    this.killDesk = new KillDesk(ports.service);
  }

  /** Starts to answer `tally.query.<orders, positions, accounts, status>`: the query of the REST route in, its answer out. */
  start(): void {
    const { ports, config } = this;
    const on = (query: string, work: (asked: Readonly<Record<string, unknown>>) => Promise<object>) =>
      ports.serve(querySubject(query), (body) => this.answerQuery(() => work(asObject(body))));
    this.responders = [
      on('orders', async (asked) => {
        const { limit, cursor, as_of, min_position, ...filters } = readQuery(OrdersQueryV1, asked);
        const { views, at, position } = await readAt(ports, { as_of, min_position });
        return pageAnswer(views.orders(filters, { limit: Math.min(limit, BUS_LIMIT_MAX), cursor }, at), position);
      }),
      on('positions', async (asked) => {
        const { limit, cursor, as_of, min_position, ...filters } = readQuery(PositionsQueryV1, asked);
        const { views, at, position } = await readAt(ports, { as_of, min_position });
        return pageAnswer(views.positions(filters, { limit: Math.min(limit, BUS_LIMIT_MAX), cursor }, at), position);
      }),
      on('accounts', async (asked) => {
        const { limit, cursor, as_of, min_position, mode } = readQuery(AccountsQueryV1, asked);
        const { views, at, position } = await readAt(ports, { as_of, min_position });
        return pageAnswer(views.accounts({ mode }, { limit: Math.min(limit, BUS_ACCOUNTS_MAX), cursor }, at), position);
      }),
      on('status', () => readStatus(ports, config)),
      ports.serve(KILL_ENGAGE, (body) => answerKillMessage(ports.service, this.killDesk, body)),
    ];
  }

  async stop(): Promise<void> {
    this.feed.stop();
    await Promise.all(this.responders.map((responder) => responder.stop()));
  }

  private async answerQuery(work: () => Promise<object>): Promise<JsonValue> {
    try {
      return asJson(await work());
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const { code, detail, status } = error.parts;
      return { ok: false, code, detail, retryable: status >= 500 };
    }
  }
}

const asObject = (body: JsonValue): Readonly<Record<string, unknown>> => (typeof body === 'object' && body !== null && !Array.isArray(body) ? { ...body } : {});
