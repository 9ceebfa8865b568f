import { Inject, Module, type DynamicModule, type MiddlewareConsumer, type NestModule, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { CommandsController } from './controllers/commands.controller.ts';
import { OperationsController } from './controllers/operations.controller.ts';
import { ViewsController } from './controllers/views.controller.ts';
import type { GatewayConfig } from './gateway-config.ts';
import type { GatewayPorts } from './gateway-ports.ts';
import { Gateway } from './gateway.ts';
import { AnswerInterceptor } from './http/answer.interceptor.ts';
import { entrance } from './http/entrance.ts';
import { GATEWAY } from './http/injection.ts';
import { ProblemFilter } from './http/problem.filter.ts';
import { ScopeGuard } from './http/scope.guard.ts';

export const GATEWAY_CONTROLLERS = [ViewsController, CommandsController, OperationsController] as const;

/** The API as one Nest module. Boot it with `bodyParser: false`: bodies are read after it is known who sends them. */
@Module({})
export class GatewayModule implements NestModule, OnApplicationBootstrap, OnApplicationShutdown {
  constructor(@Inject(GATEWAY) private readonly gateway: Gateway) {}

  static forRoot(ports: GatewayPorts, config: GatewayConfig): DynamicModule {
    return {
      module: GatewayModule,
      controllers: [...GATEWAY_CONTROLLERS],
      providers: [
        { provide: GATEWAY, useFactory: () => new Gateway(ports, config) },
        { provide: APP_GUARD, useClass: ScopeGuard },
        { provide: APP_INTERCEPTOR, useClass: AnswerInterceptor },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    };
  }

  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(entrance(this.gateway)).forRoutes('{*path}');
  }

  onApplicationBootstrap(): void {
    this.gateway.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.gateway.stop();
  }
}
