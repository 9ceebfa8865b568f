import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { currentContext, runInContext } from '@tallystick/platform';
import type { WorkContext } from '@tallystick/platform';
import type { JsonValue } from '@tallystick/ports';
import { eventually, startTestNats } from '@tallystick/testing';
import type { TestNats } from '@tallystick/testing';
import { internalsOf } from './connection.ts';
import { listen } from './listener.ts';
import { serve } from './responder.ts';
import { startRig } from './spec-rig.ts';
import type { Rig } from './spec-rig.ts';

describe('requests and announcements', () => {
  let nats: TestNats;
  let rig: Rig;
  let client: Rig;

  beforeAll(async () => {
    nats = await startTestNats();
    rig = await startRig(nats.url);
    client = await startRig(nats.url);
  });
  afterAll(async () => {
    await client.connection.close();
    await rig.connection.close();
    await nats.stop();
  });

  it('are answered, with the context of whoever asked', async () => {
    let seen: WorkContext | undefined;
    const responder = serve(rig.connection, {
      subject: 'tally.intent.*',
      queue: 'intents',
      handler: ({ subject, body }) => {
        seen = currentContext();
        return Promise.resolve({ ok: true, subject, body });
      },
    });
    await internalsOf(rig.connection).nc.flush();
    const answer = await runInContext({ correlation_id: 'c-9' }, () => client.bus.request('tally.intent.momentum', { qty: '1' }, 2_000));
    expect(answer).toEqual({ ok: true, subject: 'tally.intent.momentum', body: { qty: '1' } });
    expect(seen?.correlation_id).toBe('c-9');
    await responder.stop();
  });

  it('have no answer when nobody is there, or nobody answers in time', async () => {
    expect(await client.bus.request('tally.nobody', {}, 500)).toBeUndefined();
    const responder = serve(rig.connection, { subject: 'tally.slow', queue: 'slow', handler: () => new Promise<JsonValue>((resolve) => setTimeout(resolve, 300, null)) });
    await internalsOf(rig.connection).nc.flush();
    expect(await client.bus.request('tally.slow', {}, 50)).toBeUndefined();
    await responder.stop();
  });

  it('are told BUSY at once when too many wait, and the ones in line are answered', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let atWork = 0;
    const responder = serve(rig.connection, {
      subject: 'tally.busy',
      queue: 'busy',
      concurrencyMax: 2,
      queueMax: 3,
      handler: async ({ body }) => {
        atWork += 1;
        await gate;
        atWork -= 1;
        return body;
      },
    });
    await internalsOf(rig.connection).nc.flush();
    const asked = Array.from({ length: 8 }, (_, n) => client.bus.request('tally.busy', n, 5_000));
    await eventually('two at work', () => atWork === 2);
    // Those refused do not wait for those at work.
    expect(await Promise.all(asked.slice(5))).toEqual(Array(3).fill(expect.objectContaining({ ok: false, code: 'BUSY', retryable: true })));
    expect(atWork).toBe(2);
    release();
    expect(await Promise.all(asked.slice(0, 5))).toEqual([0, 1, 2, 3, 4]);
    expect(await rig.metric('tally_requests_total{queue="busy",outcome="busy"}')).toBe(3);
    await responder.stop();
  });

  it('that are too large, too deep or not JSON are refused with their code, and can be recorded', async () => {
    const recorded: string[] = [];
    const responder = serve(rig.connection, {
      subject: 'tally.strict',
      queue: 'strict',
      handler: () => Promise.reject(new Error('must not be asked')),
      onUnreadable: ({ code, detail }) => {
        recorded.push(code);
        return Promise.resolve({ ok: false, code, detail, request_id: 'r-1' });
      },
    });
    const { nc } = internalsOf(client.connection);
    await internalsOf(rig.connection).nc.flush();
    const ask = async (bytes: Uint8Array): Promise<unknown> => (await nc.request('tally.strict', bytes, { timeout: 2_000 })).json();
    expect(await ask(Buffer.from(`"${'x'.repeat(64 * 1024)}"`))).toMatchObject({ code: 'MESSAGE_TOO_LARGE', request_id: 'r-1' });
    expect(await ask(Buffer.from('{"a":'.repeat(17) + '1' + '}'.repeat(17)))).toMatchObject({ code: 'JSON_TOO_DEEP' });
    expect(await ask(Buffer.from('{"qty": NaN}'))).toMatchObject({ code: 'JSON_INVALID' });
    expect(await ask(Buffer.from([0x22, 0xff, 0x22]))).toMatchObject({ code: 'JSON_INVALID', detail: 'not UTF-8' });
    expect(await ask(new Uint8Array())).toMatchObject({ code: 'JSON_INVALID' });
    expect(recorded).toEqual(['MESSAGE_TOO_LARGE', 'JSON_TOO_DEEP', 'JSON_INVALID', 'JSON_INVALID', 'JSON_INVALID']);
    await responder.stop();
  });

  it('of a handler that throws are answered without its words', async () => {
    const responder = serve(rig.connection, { subject: 'tally.broken', queue: 'broken', handler: () => Promise.reject(new Error('password=hunter2')) });
    await internalsOf(rig.connection).nc.flush();
    const answer = await client.bus.request('tally.broken', {}, 2_000);
    expect(answer).toMatchObject({ ok: false, code: 'INTERNAL' });
    expect(JSON.stringify(answer)).not.toContain('hunter2');
    await responder.stop();
  });

  it('with an answer that is too large are told so', async () => {
    const responder = serve(rig.connection, { subject: 'tally.large', queue: 'large', handler: () => Promise.resolve('x'.repeat(70_000)) });
    await internalsOf(rig.connection).nc.flush();
    expect(await client.bus.request('tally.large', {}, 2_000)).toMatchObject({ ok: false, code: 'ANSWER_TOO_LARGE' });
    await responder.stop();
  });

  it('in hand are answered when the responder stops', async () => {
    let begun = false;
    const responder = serve(rig.connection, {
      subject: 'tally.stopping',
      queue: 'stopping',
      handler: async () => {
        begun = true;
        await new Promise((resolve) => setTimeout(resolve, 50));
        return 'answered';
      },
    });
    await internalsOf(rig.connection).nc.flush();
    const asked = client.bus.request('tally.stopping', {}, 2_000);
    await eventually('begun', () => begun);
    await responder.stop();
    expect(await asked).toBe('answered');
    expect(await client.bus.request('tally.stopping', {}, 200)).toBeUndefined();
  });

  it('announcements are heard in order, and a listener that throws hears the next', async () => {
    const heard: JsonValue[] = [];
    const stop = listen(rig.connection, {
      subject: 'tally.market.>',
      onMessage: ({ body }) => {
        heard.push(body);
        if (heard.length === 1) throw new Error('fault of the listener');
      },
    });
    await internalsOf(rig.connection).nc.flush();
    for (let n = 0; n < 5; n += 1) client.bus.announce('tally.market.sim', { n });
    await eventually('all heard', () => heard.length === 5);
    expect(heard).toEqual([0, 1, 2, 3, 4].map((n) => ({ n })));
    stop();
  });

  it('refuse subjects that could reach elsewhere', async () => {
    expect(() => client.bus.announce('tally.>', {})).toThrow('BAD_SUBJECT');
    await expect(client.bus.request('tally.intent.a b', {}, 100)).rejects.toThrow('BAD_SUBJECT');
    expect(await client.bus.send('tally.cmd.execution.*.submit', {}, 'm1')).toMatchObject({ ok: false, detail: expect.stringContaining('BAD_SUBJECT') });
    expect(await client.bus.send('tally.cmd.execution.0.submit', {}, 'm 1\r\nNats-Rollup: all')).toMatchObject({ ok: false, detail: expect.stringContaining('BAD_MESSAGE_ID') });
    expect(() => listen(rig.connection, { subject: 'tally.>.x', onMessage: () => undefined })).toThrow('BAD_SUBJECT');
  });
});
