import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { knownVariables } from './environment.ts';
import { read, ROOT } from './files.ts';

const PAGES = ['docs/operations/README.md', 'docs/architecture.md', 'CHANGELOG.md'];
const guide = read('docs/operations/README.md');
const section = (title: string): string => guide.split(new RegExp(`^### ${title}$`, 'm'))[1]?.split(/^##/m)[0] ?? '';
const listed = (title: string): readonly string[] => [...section(title).matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name = '']) => name).sort();
const variablesOf = (...apps: readonly string[]): readonly string[] => [...new Set(apps.flatMap((app) => [...(knownVariables()[`apps/${app}/dist/main.js`] ?? [])]))].sort();
/** As GitHub makes an anchor from a heading. */
const anchorOf = (heading: string): string => heading.toLowerCase().replaceAll(/[^\w\- ]/g, '').replaceAll(' ', '-');

describe('the operations guide', () => {
  it('lists exactly the variables that services, supervisor and gateway read', () => {
    expect(listed('Services, supervisor and gateway')).toEqual(variablesOf('intents', 'risk', 'execution', 'fills', 'supervisor', 'gateway'));
  });

  it('lists what bootstrap and conductor read beyond that', () => {
    const services = new Set(variablesOf('intents'));
    expect(listed('Bootstrap and conductor')).toEqual(variablesOf('bootstrap', 'conductor').filter((name) => !services.has(name)));
  });

  it('finds the variables in the sources', () => {
    expect(variablesOf('intents')).toEqual(expect.arrayContaining(['ESDB_URL', 'TALLY_DATA_DIR', 'TALLY_NATS_REPLICAS', 'TALLY_FAILPOINTS', 'OTEL_EXPORTER_OTLP_ENDPOINT']));
    expect(variablesOf('gateway')).toEqual(expect.arrayContaining(['TALLY_GATEWAY_PORT', 'TALLY_SERVICES']));
    expect(variablesOf('paper-venue')).toEqual(expect.arrayContaining(['TALLY_VENUE_TOKENS', 'TALLY_MARKET']));
  });
});

describe('documents', () => {
  it.each(PAGES)('%s links only to what exists', (page) => {
    const text = read(page);
    const headings = new Set([...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading)));
    const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target).filter((target) => {
      if (/^https?:/.test(target)) return false;
      return target.startsWith('#') ? !headings.has(target.slice(1)) : !existsSync(join(ROOT, dirname(page), target.split('#')[0] ?? ''));
    });
    expect(broken).toEqual([]);
  });

  it.each(PAGES)('%s names only files and folders that exist', (page) => {
    const named = [...read(page).matchAll(/`((?:apps|libs|deploy|docs|k8s|eslint|scripts)\/[\w./<>-]*)`/g)].map(([, path = '']) => path).filter((path) => !path.includes('<') && !path.includes('/dist/') && !path.includes('/values'));
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});
