import { Controller, Inject, Req } from '@nestjs/common';
import { AccountsQueryV1, AnomaliesQueryV1, AtQueryV1, IntentsQueryV1, OrdersQueryV1, PositionsQueryV1, RefusalsQueryV1 } from '@tallystick/contracts';
import type { Gateway } from '../gateway.ts';
import { answer, type Answer, type HttpRequest } from '../http/exchange.ts';
import { GATEWAY } from '../http/injection.ts';
import { Operation } from '../http/operation.ts';
import { Problem } from '../http/problem.ts';
import { readQuery } from '../http/query.ts';
import { pageAnswer, readAt, type ReadAt } from '../use-cases/reading.ts';

const found = <T>(value: T | undefined, code: string, what: string, position: string): T => {
  if (value !== undefined) return value;
  throw new Problem({ status: 404, code, detail: `${what} is not known as of position ${position}` });
};

/** Reads: of the newest state, of one not older than `min_position`, or as of an earlier one. */
@Controller()
export class ViewsController {
  constructor(@Inject(GATEWAY) private readonly gateway: Gateway) {}

  @Operation('listIntents')
  async listIntents(@Req() request: HttpRequest): Promise<Answer> {
    const { limit, cursor, as_of, min_position, ...filters } = readQuery(IntentsQueryV1, request.query);
    const { views, at, position } = await readAt(this.gateway.ports, { as_of, min_position });
    return answer(pageAnswer(views.intents(filters, { limit, cursor }, at), position));
  }

  @Operation('getIntent')
  async getIntent(@Req() request: HttpRequest): Promise<Answer> {
    const { views, at, position } = await this.at(request);
    const key = request.params['intent_key'] ?? '';
    return answer({ version: 1, intent: found(views.intent(key, at), 'INTENT_UNKNOWN', `intent ${key}`, position), position });
  }

  @Operation('listOrders')
  async listOrders(@Req() request: HttpRequest): Promise<Answer> {
    const { limit, cursor, as_of, min_position, ...filters } = readQuery(OrdersQueryV1, request.query);
    const { views, at, position } = await readAt(this.gateway.ports, { as_of, min_position });
    return answer(pageAnswer(views.orders(filters, { limit, cursor }, at), position));
  }

  @Operation('getOrder')
  async getOrder(@Req() request: HttpRequest): Promise<Answer> {
    const { views, at, position } = await this.at(request);
    const id = request.params['order_id'] ?? '';
    return answer({ version: 1, order: found(views.order(id, at), 'ORDER_UNKNOWN', `order ${id}`, position), position });
  }

  @Operation('getOrderTimeline')
  async getOrderTimeline(@Req() request: HttpRequest): Promise<Answer> {
    const { views, at, position } = await this.at(request);
    const id = request.params['order_id'] ?? '';
    return answer({ version: 1, order_id: id, entries: found(views.timeline(id, at), 'ORDER_UNKNOWN', `order ${id}`, position), position });
  }

  @Operation('listPositions')
  async listPositions(@Req() request: HttpRequest): Promise<Answer> {
    const { limit, cursor, as_of, min_position, ...filters } = readQuery(PositionsQueryV1, request.query);
    const { views, at, position } = await readAt(this.gateway.ports, { as_of, min_position });
    return answer(pageAnswer(views.positions(filters, { limit, cursor }, at), position));
  }

  @Operation('listAccounts')
  async listAccounts(@Req() request: HttpRequest): Promise<Answer> {
    const { limit, cursor, as_of, min_position, mode } = readQuery(AccountsQueryV1, request.query);
    const { views, at, position } = await readAt(this.gateway.ports, { as_of, min_position });
    return answer(pageAnswer(views.accounts({ mode }, { limit, cursor }, at), position));
  }

  @Operation('getAccount')
  async getAccount(@Req() request: HttpRequest): Promise<Answer> {
    const { views, at, position } = await this.at(request);
    const account = request.params['account'] ?? '';
    return answer({ version: 1, account: found(views.account(account, at), 'ACCOUNT_UNKNOWN', `account ${account}`, position), position });
  }

  @Operation('listRefusals')
  async listRefusals(@Req() request: HttpRequest): Promise<Answer> {
    const { limit, cursor, as_of, min_position, ...filters } = readQuery(RefusalsQueryV1, request.query);
    const { views, at, position } = await readAt(this.gateway.ports, { as_of, min_position });
    return answer({ ...pageAnswer(views.refusals(filters, { limit, cursor }, at), position), by_code: views.refusalsByCode(at) });
  }

  @Operation('listAnomalies')
  async listAnomalies(@Req() request: HttpRequest): Promise<Answer> {
    const { limit, cursor, as_of, min_position, kind, ...filters } = readQuery(AnomaliesQueryV1, request.query);
    const { views, at, position } = await readAt(this.gateway.ports, { as_of, min_position });
    return answer({ ...pageAnswer(views.anomalies({ ...filters, code: kind }, { limit, cursor }, at), position), by_kind: views.anomaliesByKind(at) });
  }

  private at(request: HttpRequest): Promise<ReadAt> {
    return readAt(this.gateway.ports, readQuery(AtQueryV1, request.query));
  }
}
