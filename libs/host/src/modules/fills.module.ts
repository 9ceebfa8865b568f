import { Inject, Injectable, Module, type DynamicModule, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { FillsService, RemainderKeeper } from '@tallystick/services';
import type { World } from '../process/world.ts';
import { WORLD } from './tokens.ts';

@Injectable()
export class FillsLife implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    @Inject(WORLD) private readonly world: World,
    @Inject(FillsService) private readonly fills: FillsService,
    @Inject(RemainderKeeper) private readonly remainders: RemainderKeeper,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.fills.start();
    this.remainders.start();
    this.world.health.register('reports', 'ready', () => ({ ok: this.fills.isLive(), detail: this.fills.isLive() ? 'following the log' : 'not following the log' }));
  }

  async onApplicationShutdown(): Promise<void> {
    await this.remainders.stop();
    await this.fills.stop();
  }
}

@Module({})
export class FillsModule {
  static forRoot(world: World, onFailed: (error: unknown) => void): DynamicModule {
    return {
      module: FillsModule,
      providers: [
        { provide: WORLD, useValue: world },
        { provide: FillsService, useFactory: () => new FillsService(world.service, world.reference, world.venues, onFailed) },
        { provide: RemainderKeeper, useFactory: () => new RemainderKeeper(world.service, onFailed) },
        FillsLife,
      ],
      exports: [FillsService],
    };
  }
}
