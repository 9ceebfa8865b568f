import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestNats } from '@tallystick/testing';
import type { TestNats } from '@tallystick/testing';
import { measureMessaging } from './bench.ts';
import { startRig } from './spec-rig.ts';
import type { Rig } from './spec-rig.ts';

describe('the measurement of messaging', () => {
  let nats: TestNats;
  let rig: Rig;
  beforeAll(async () => {
    nats = await startTestNats();
    rig = await startRig(nats.url);
  });
  afterAll(async () => {
    await rig.connection.close();
    await nats.stop();
  });

  it('gives a rate and a cost for each step', async () => {
    const measured = await measureMessaging({ connection: rig.connection, messages: 200, widths: [1, 16] });
    expect(measured.map(({ step, width }) => `${step} ${width}`)).toEqual(['publish 1', 'publish 16', 'consume 64', 'publish_to_handler 1']);
    for (const { per_s, client_cpu_us } of measured) expect(Math.min(per_s, client_cpu_us)).toBeGreaterThan(0);
    expect(measured.at(-1)?.p50_ms).toBeGreaterThan(0);
  });
});
