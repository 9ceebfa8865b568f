import { Controller, Inject, Req } from '@nestjs/common';
import type { Gateway } from '../gateway.ts';
import { actorOf, exchangeOf, headerOf, type Answer, type HttpRequest } from '../http/exchange.ts';
import { GATEWAY } from '../http/injection.ts';
import { Operation } from '../http/operation.ts';
import { Problem } from '../http/problem.ts';
import { readBody, readJsonBody, tooLarge } from '../http/read-body.ts';
import { acceptStore } from '../use-cases/accept-store.ts';
import { cancelOrder } from '../use-cases/cancel.ts';
import { redriveDeadLetters } from '../use-cases/dead-letters.ts';
import { engageKill, releaseKill } from '../use-cases/kill.ts';

/** Repeats of these are absorbed by what they act on; the header says that the client knows what it repeats. */
const requireIdempotencyKey = (request: HttpRequest): string => {
  const key = headerOf(request, 'idempotency-key') ?? '';
  if (key === '') {
    throw new Problem({ status: 400, code: 'IDEMPOTENCY_KEY_REQUIRED', detail: 'send an Idempotency-Key header, the same on every repeat of this request' });
  }
  return key.slice(0, 200);
};

@Controller()
export class CommandsController {
  constructor(@Inject(GATEWAY) private readonly gateway: Gateway) {}

  @Operation('submitIntent')
  async submitIntent(@Req() request: HttpRequest): Promise<Answer> {
    const body = await readBody(request);
    if (!body.ok) throw await this.gateway.intents.tooLarge(body.bytes, body.seen);
    return this.gateway.intents.submit(body.bytes, headerOf(request, 'idempotency-key'));
  }

  @Operation('previewIntent')
  async previewIntent(@Req() request: HttpRequest): Promise<Answer> {
    const body = await readBody(request);
    if (!body.ok) throw tooLarge(body.bytes);
    return this.gateway.intents.preview(body.bytes);
  }

  @Operation('cancelOrder')
  async cancelOrder(@Req() request: HttpRequest): Promise<Answer> {
    requireIdempotencyKey(request);
    return cancelOrder(this.gateway.ports, { orderId: request.params['order_id'] ?? '', body: await readJsonBody(request), actor: actorOf(request), requestId: exchangeOf(request).requestId });
  }

  @Operation('engageKillSwitch')
  async engageKillSwitch(@Req() request: HttpRequest): Promise<Answer> {
    const requestedAtMs = this.gateway.ports.service.ports.clock.nowMs();
    const requestId = requireIdempotencyKey(request);
    return engageKill(this.gateway.ports, this.gateway.killDesk, { body: await readJsonBody(request), actor: actorOf(request), requestId, requestedAtMs });
  }

  @Operation('releaseKillSwitch')
  async releaseKillSwitch(@Req() request: HttpRequest): Promise<Answer> {
    const requestId = requireIdempotencyKey(request);
    return releaseKill(this.gateway.ports, this.gateway.killDesk, { body: await readJsonBody(request), actor: actorOf(request), requestId });
  }

  @Operation('redriveDeadLetters')
  async redriveDeadLetters(@Req() request: HttpRequest): Promise<Answer> {
    requireIdempotencyKey(request);
    return redriveDeadLetters(this.gateway.ports, await readJsonBody(request), actorOf(request));
  }

  @Operation('acceptStore')
  async acceptStore(@Req() request: HttpRequest): Promise<Answer> {
    requireIdempotencyKey(request);
    return acceptStore(this.gateway.ports, { body: await readJsonBody(request), actor: actorOf(request), requestId: exchangeOf(request).requestId });
  }
}
