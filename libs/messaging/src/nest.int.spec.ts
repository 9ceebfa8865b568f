import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Inject, Injectable, Module, StandardSchemaValidationPipe, UsePipes } from '@nestjs/common';
import type { INestApplicationContext, INestMicroservice, Type } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { currentContext } from '@tallystick/platform';
import type { HandlerOutcome } from '@tallystick/ports';
import { eventually, startTestNats } from '@tallystick/testing';
import type { TestNats } from '@tallystick/testing';
import { of } from 'rxjs';
import type { Observable } from 'rxjs';
import { z } from 'zod';
import { deadLetters } from './dead-letters.ts';
import { CommandHandler, JetStreamServer } from './nest.ts';
import type { CommandContext } from './nest.ts';
import { SERVICE, keyOf, startRig } from './spec-rig.ts';
import type { Rig } from './spec-rig.ts';

const Submit = z.object({ key: z.string(), n: z.int() });
type Submit = z.infer<typeof Submit>;

@Injectable()
class Seen {
  readonly submits: { readonly n: number; readonly delivery: number; readonly correlation: string | undefined }[] = [];
  readonly cancels: unknown[] = [];
}

@Controller()
class ExecutionController {
  constructor(@Inject(Seen) private readonly seen: Seen) {}

  @CommandHandler('execution', 'submit')
  @UsePipes(new StandardSchemaValidationPipe())
  async submit(@Payload({ schema: Submit }) body: Submit, @Ctx() { command }: CommandContext): Promise<HandlerOutcome> {
    await Promise.resolve();
    this.seen.submits.push({ n: body.n, delivery: command.delivery, correlation: currentContext()?.correlation_id });
    if (body.key === 'crash') throw new TypeError('a programmer error');
    if (body.key === 'poison') return { kind: 'poison', code: 'UNKNOWN_ORDER', detail: 'no such order' };
    if (body.key === 'retry' && command.delivery === 1) return { kind: 'retry', code: 'STORE_UNAVAILABLE', detail: '' };
    return { kind: 'done' };
  }

  @CommandHandler('execution', 'cancel')
  cancel(body: unknown): Observable<HandlerOutcome> {
    this.seen.cancels.push(body);
    return of({ kind: 'done' });
  }
}

@Controller()
class RiskController {
  @CommandHandler('risk', 'evaluate')
  evaluate(): HandlerOutcome {
    return { kind: 'done' };
  }
}

@Controller()
class SecondSubmit {
  @CommandHandler('execution', 'submit')
  submit(): HandlerOutcome {
    return { kind: 'done' };
  }
}

@Controller()
class Withdraw {
  @CommandHandler('execution', 'withdraw')
  withdraw(): HandlerOutcome {
    return { kind: 'done' };
  }
}

describe('the Nest transport', () => {
  let nats: TestNats;
  let rig: Rig;
  let app: (INestMicroservice & INestApplicationContext) | undefined;
  let server: JetStreamServer;

  beforeAll(async () => {
    nats = await startTestNats();
  });
  afterAll(() => nats.stop());
  beforeEach(async () => {
    rig = await startRig(nats.url);
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
    await rig.connection.close();
    await nats.wipe();
  });

  const boot = async (controllers: readonly Type[]): Promise<Seen> => {
    @Module({ controllers: [...controllers], providers: [Seen] })
    class ServiceModule {}
    const module = await Test.createTestingModule({ imports: [ServiceModule] }).compile();
    server = new JetStreamServer({
      connection: rig.connection,
      topology: rig.topology,
      service: SERVICE,
      keyOf,
      retry: { attemptsMax: 2, firstDelayMs: 5, giveBackMs: 30, crashDelayMs: 10 },
    });
    app = module.createNestMicroservice({ strategy: server, logger: false });
    await app.listen();
    return module.get(Seen);
  };
  const letters = () => deadLetters(rig.connection).list();

  it('hands commands of all partitions to their controllers, and acknowledges what they settle', async () => {
    const seen = await boot([ExecutionController, RiskController]);
    await rig.send({ key: 'a', n: 1, correlationid: 'c-1' }, 'm1');
    await rig.send({ key: 'a', n: 2 }, 'm2', { partition: 1 });
    await rig.send({ key: 'a', n: 3 }, 'm3', { lane: 'cancel' });
    await eventually('all came', () => seen.submits.length === 2 && seen.cancels.length === 1);
    expect(seen.submits).toContainEqual({ n: 1, delivery: 1, correlation: 'c-1' });
    expect(seen.cancels).toEqual([{ key: 'a', n: 3 }]);
    await eventually('acknowledged', async () => (await rig.metric('tally_commands_total{service="execution",command="submit",outcome="ack"}')) === 2);
    expect(server.isLive()).toBe(true);
  });

  it('never acknowledges what threw: three deliveries, then the dead letters', async () => {
    const seen = await boot([ExecutionController]);
    await rig.send({ key: 'crash', n: 1 }, 'm1');
    await eventually('a dead letter', async () => (await letters()).length === 1);
    expect(seen.submits.map(({ delivery }) => delivery)).toEqual([1, 2, 3]);
    expect((await letters())[0]).toMatchObject({ code: 'HANDLER_CRASHED', detail: 'TypeError on delivery 3' });
  });

  it('takes what a validation pipe refuses for poison, without asking the handler', async () => {
    const seen = await boot([ExecutionController]);
    await rig.send({ key: 'a', n: 'one' }, 'm1');
    await eventually('a dead letter', async () => (await letters()).length === 1);
    expect((await letters())[0]).toMatchObject({ code: 'SCHEMA_INVALID', deliveries: 1 });
    expect(seen.submits).toEqual([]);
  });

  it('settles by the outcome a controller returns', async () => {
    const seen = await boot([ExecutionController]);
    await rig.send({ key: 'poison', n: 1 }, 'm1');
    await rig.send({ key: 'retry', n: 2 }, 'm2');
    await eventually('both settled', async () => (await letters()).length === 1 && seen.submits.some(({ n, delivery }) => n === 2 && delivery === 2));
    expect((await letters())[0]).toMatchObject({ code: 'UNKNOWN_ORDER' });
    expect(seen.submits.filter(({ n }) => n === 2).map(({ delivery }) => delivery)).toEqual([1, 1, 2]);
  });

  it('refuses to boot with two handlers for one command, one for an unknown command, or none for a known one', async () => {
    await expect(boot([ExecutionController, SecondSubmit])).rejects.toThrow('DUPLICATE_HANDLER');
    await expect(boot([ExecutionController, Withdraw])).rejects.toThrow('UNKNOWN_COMMAND');
    await expect(boot([SecondSubmit])).rejects.toThrow('NO_HANDLER');
    app = undefined;
  });

  it('takes no more after it is closed, and leaves the connection to its owner', async () => {
    const seen = await boot([ExecutionController]);
    await app?.close();
    app = undefined;
    expect(await rig.send({ key: 'a', n: 1 }, 'm1')).toEqual({ ok: true });
    expect(seen.submits).toEqual([]);
    expect(server.isLive()).toBe(false);
    expect(rig.connection.isConnected()).toBe(true);
  });
});
