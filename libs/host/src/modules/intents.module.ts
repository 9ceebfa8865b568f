import { ALL_INTENTS, ALL_PREVIEWS, partitionOf, riskPreviewSubject } from '@tallystick/contracts';
import { Inject, Injectable, Module, type DynamicModule, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { serve, type Responder } from '@tallystick/messaging';
import type { JsonValue } from '@tallystick/ports';
import { IntentsService } from '@tallystick/services';
import type { World } from '../process/world.ts';
import { WORLD } from './tokens.ts';

const PREVIEW_WAIT_MS = 2_000;

const strategyOf = (subject: string): string => subject.slice(subject.lastIndexOf('.') + 1);
const asJson = (value: object): JsonValue => value as JsonValue;

/** NATS ingress: answers when the intent is recorded. What cannot be read is recorded too. */
@Injectable()
export class IntentsIngress implements OnApplicationBootstrap, OnApplicationShutdown {
  private responders: readonly Responder[] = [];

  constructor(
    @Inject(WORLD) private readonly world: World,
    @Inject(IntentsService) private readonly intents: IntentsService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.intents.start();
    const { connection } = this.world;
    // The bytes as they came: read as JSON once, a member named twice can no longer be seen.
    const submit = async ({ subject, bytes }: { readonly subject: string; readonly bytes: Uint8Array }): Promise<JsonValue> =>
      asJson(await this.intents.submit(bytes, { strategy: strategyOf(subject), channel: 'nats' }));
    this.responders = [
      serve(connection, {
        subject: ALL_INTENTS, queue: 'intents',
        handler: submit, onUnreadable: submit,
      }),
      serve(connection, { subject: ALL_PREVIEWS, queue: 'previews', handler: ({ subject, bytes }) => this.preview(strategyOf(subject), bytes) }),
    ];
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.responders.map((responder) => responder.stop()));
  }

  private async preview(strategy: string, bytes: Uint8Array): Promise<JsonValue> {
    const checked = this.intents.check(bytes, strategy);
    if (!checked.ok) return asJson({ version: 1, status: 'malformed', code: checked.code, detail: checked.detail, issues: checked.issues });
    const { accepted, refusals } = checked;
    if (refusals.length > 0) return asJson({ version: 1, status: 'refused', intent_key: accepted.intent.intent_key, refusals, decisions: [] });
    const answer = await this.world.service.bus.request(riskPreviewSubject(partitionOf(accepted.risk_group)), asJson(accepted), PREVIEW_WAIT_MS);
    return answer ?? asJson({ version: 1, status: 'unavailable', code: 'RISK_NOT_ANSWERING', detail: 'the risk service did not answer; nothing was sent' });
  }
}

@Module({})
export class IntentsModule {
  static forRoot(world: World): DynamicModule {
    return {
      module: IntentsModule,
      providers: [
        { provide: WORLD, useValue: world },
        { provide: IntentsService, useFactory: () => new IntentsService(world.service, world.reference) },
        IntentsIngress,
      ],
      exports: [IntentsService],
    };
  }
}
