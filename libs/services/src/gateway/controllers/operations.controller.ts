import { Controller, Inject, Req, Res } from '@nestjs/common';
import { DeadLettersQueryV1, EventsQueryV1, MinPositionQueryV1, type HealthV1 } from '@tallystick/contracts';
import type { Gateway } from '../gateway.ts';
import { answer, headerOf, type Answer, type HttpRequest, type HttpResponse } from '../http/exchange.ts';
import { GATEWAY } from '../http/injection.ts';
import { Operation } from '../http/operation.ts';
import { Problem } from '../http/problem.ts';
import { readQuery } from '../http/query.ts';
import { listDeadLetters } from '../use-cases/dead-letters.ts';
import { readKill } from '../use-cases/kill.ts';
import { listServices, readStatus } from '../use-cases/status.ts';

@Controller()
export class OperationsController {
  constructor(@Inject(GATEWAY) private readonly gateway: Gateway) {}

  @Operation('listServices')
  async listServices(): Promise<Answer> {
    return answer(await listServices(this.gateway.ports, this.gateway.config));
  }

  @Operation('getStatus')
  async getStatus(): Promise<Answer> {
    return answer(await readStatus(this.gateway.ports, this.gateway.config));
  }

  @Operation('getKillSwitch')
  async getKillSwitch(@Req() request: HttpRequest): Promise<Answer> {
    return answer(await readKill(this.gateway.ports, readQuery(MinPositionQueryV1, request.query)));
  }

  @Operation('listDeadLetters')
  listDeadLetters(@Req() request: HttpRequest): Promise<Answer> {
    return listDeadLetters(this.gateway.ports, readQuery(DeadLettersQueryV1, request.query));
  }

  @Operation('streamEvents')
  streamEvents(@Req() request: HttpRequest, @Res() response: HttpResponse): void {
    this.gateway.feed.serve(request, response, headerOf(request, 'last-event-id'), readQuery(EventsQueryV1, request.query));
  }

  @Operation('getOpenApi')
  async getOpenApi(@Res() response: HttpResponse): Promise<void> {
    const document = await this.gateway.ports.openApi();
    if (document === undefined) throw new Problem({ status: 404, code: 'OPENAPI_MISSING', detail: 'the document is generated when the project is built; this build has none' });
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(document);
  }

  @Operation('getHealth')
  getHealth(): Answer {
    return answer({ version: 1, status: 'ok', checks: [{ name: 'process', ok: true }] } satisfies HealthV1);
  }

  @Operation('getReadiness')
  getReadiness(): Answer {
    const { readModel, busConnected } = this.gateway.ports;
    const fault = readModel.fault();
    const checks = [{ name: 'bus', ok: busConnected() }, { name: 'read_model', ok: readModel.isLive(), ...(fault === undefined ? {} : { detail: fault }) }];
    const ok = checks.every((check) => check.ok);
    return answer({ version: 1, status: ok ? 'ok' : 'fail', checks } satisfies HealthV1, { status: ok ? 200 : 503 });
  }
}
