import { Controller, Inject, Injectable, Module, type DynamicModule, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { EvaluateIntentV1, PARTITIONS } from '@tallystick/contracts';
import { CommandHandler, serve, type CommandContext, type Responder } from '@tallystick/messaging';
import type { HandlerOutcome, JsonValue } from '@tallystick/ports';
import type { AcceptedIntent } from '@tallystick/domain';
import { RiskService } from '@tallystick/services';
import { loadSigner } from '../keys/keys.ts';
import type { World } from '../process/world.ts';
import { readCommand } from './read-command.ts';
import { WORLD } from './tokens.ts';

@Controller()
export class RiskController {
  constructor(@Inject(RiskService) private readonly risk: RiskService) {}

  @CommandHandler('risk', 'evaluate')
  evaluate(@Payload() body: unknown, @Ctx() { command }: CommandContext): Promise<HandlerOutcome> {
    return readCommand(EvaluateIntentV1, body, (evaluate) => this.risk.evaluate(evaluate, command.messageId));
  }
}

@Injectable()
export class RiskPreviews implements OnApplicationBootstrap, OnApplicationShutdown {
  private responder: Responder | undefined;

  constructor(
    @Inject(WORLD) private readonly world: World,
    @Inject(RiskService) private readonly risk: RiskService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.risk.start(new Set(Array.from({ length: PARTITIONS }, (_, partition) => partition)));
    this.responder = serve(this.world.connection, { subject: 'tally.query.risk.*.preview', queue: 'risk-previews', handler: ({ body }) => this.preview(body) });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.responder?.stop();
    await this.risk.stop();
  }

  private async preview(body: JsonValue): Promise<JsonValue> {
    // Only the intents service may ask here (the bus's permissions say so), and it has validated what it sends.
    const accepted = body as unknown as AcceptedIntent;
    const previewed = await this.risk.preview(accepted);
    const answer = previewed.ok
      ? { version: 1, status: 'previewed', intent_key: accepted.intent.intent_key, refusals: [], decisions: previewed.previews }
      : { version: 1, status: 'unavailable', code: previewed.code, detail: previewed.detail };
    return JSON.parse(JSON.stringify(answer)) as JsonValue;
  }
}

@Module({})
export class RiskModule {
  static forRoot(world: World, onOwnershipLost: (detail: string) => void): DynamicModule {
    return {
      module: RiskModule,
      controllers: [RiskController],
      providers: [
        { provide: WORLD, useValue: world },
        { provide: RiskService, useFactory: () => new RiskService(world.service, world.reference, loadSigner(world.config.dataDir, 'decision'), world.venues, onOwnershipLost) },
        RiskPreviews,
      ],
      exports: [RiskService],
    };
  }
}
