import { describe, expect, it } from '@jest/globals';
import { createServer, type AddressInfo } from 'node:net';
import { freePort, wantedPort } from './ports.ts';

describe('ports', () => {
  it('are never given twice, and never from the range of outgoing connections', async () => {
    const taken = new Set<number>();
    const ports = await Promise.all(Array.from({ length: 20 }, () => freePort(taken)));
    expect(new Set(ports).size).toBe(20);
    expect(Math.max(...ports)).toBeLessThan(32_768);
  });

  it('that are wanted and taken are refused with what to do', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await expect(wantedPort(port, new Set())).rejects.toThrow(`port ${port} is taken: stop what listens there, or choose another with --port`);
    await new Promise((resolve) => server.close(resolve));
    await expect(wantedPort(port, new Set())).resolves.toBe(port);
    await expect(wantedPort(0, new Set())).resolves.toBeGreaterThan(0);
  });
});
