import { join } from 'node:path';
import { Controller, Inject, Injectable, Module, type DynamicModule, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { CancelOrderV1, KILL_ENGAGE, SubmitOrderV1 } from '@tallystick/contracts';
import { CommandHandler, serve, type CommandContext, type Responder } from '@tallystick/messaging';
import type { HandlerOutcome } from '@tallystick/ports';
import { answerKillMessage, ExecutionService } from '@tallystick/services';
import { anchorFile } from '../process/anchor-file.ts';
import type { World } from '../process/world.ts';
import { readCommand } from './read-command.ts';
import { WORLD } from './tokens.ts';

@Controller()
export class ExecutionController {
  constructor(@Inject(ExecutionService) private readonly execution: ExecutionService) {}

  @CommandHandler('execution', 'submit')
  submit(@Payload() body: unknown, @Ctx() { command }: CommandContext): Promise<HandlerOutcome> {
    return readCommand(SubmitOrderV1, body, (submit) => this.execution.submit(submit, command.messageId));
  }

  @CommandHandler('execution', 'cancel')
  cancel(@Payload() body: unknown, @Ctx() { command }: CommandContext): Promise<HandlerOutcome> {
    return readCommand(CancelOrderV1, body, (cancel) => this.execution.cancel(cancel, command.messageId));
  }
}

@Injectable()
export class ExecutionLife implements OnApplicationBootstrap, OnApplicationShutdown {
  private killDoor: Responder | undefined;

  constructor(
    @Inject(WORLD) private readonly world: World,
    @Inject(ExecutionService) private readonly execution: ExecutionService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { connection, service } = this.world;
    this.killDoor = serve(connection, { subject: KILL_ENGAGE, queue: 'kill-execution', handler: ({ body }) => answerKillMessage(service, this.execution.killDesk, body) });
    await this.execution.start(() => true);
    this.world.health.register('log', 'ready', () => this.execution.logHealth());
    this.world.health.register('accounts', 'ready', () => {
      const notReady = this.execution.accounts().filter(({ state }) => state !== 'READY');
      return { ok: notReady.length === 0, detail: notReady.map(({ account, state }) => `${account} ${state}`).join(', ') };
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.killDoor?.stop();
    await this.execution.stop();
  }
}

@Module({})
export class ExecutionModule {
  static forRoot(world: World, giveUp: (detail: string) => void): DynamicModule {
    const { anchorDir, dataDir } = world.config;
    const anchor = anchorFile({ dir: anchorDir ?? join(dataDir, 'anchors'), name: 'execution', instance: world.service.identity.instance });
    return {
      module: ExecutionModule,
      controllers: [ExecutionController],
      providers: [
        { provide: WORLD, useValue: world },
        { provide: ExecutionService, useFactory: () => new ExecutionService(world.service, world.reference, world.venues, anchor, giveUp) },
        ExecutionLife,
      ],
      exports: [ExecutionService],
    };
  }
}
