import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { find, listAt, read, recordAt, ROOT, textAt, yamlDocuments, type Json } from './files.ts';

const isKustomization = (path: string): boolean => path.endsWith('kustomization.yaml');

/** The manifests of base and overlay as they are written, without what patches them. */
export const rawManifests = (...folders: readonly string[]): readonly Json[] =>
  folders.flatMap((folder) => {
    const [kustomization] = yamlDocuments(read(`${folder}/kustomization.yaml`));
    return listAt(kustomization, 'resources').flatMap((file) => yamlDocuments(read(`${folder}/${String(file)}`)));
  });

export const kustomizations = (): readonly string[] => find('k8s/**/kustomization.yaml');

/** Files below k8s that no kustomization names. */
export const strays = (): readonly string[] => {
  const named = kustomizations().flatMap((path) => {
    const folder = path.slice(0, -'/kustomization.yaml'.length);
    const [kustomization] = yamlDocuments(read(path));
    return [...listAt(kustomization, 'resources'), ...listAt(kustomization, 'patchesStrategicMerge')].map((file) => `${folder}/${String(file)}`);
  });
  return find('k8s/**/*.{yaml,yml}').filter((path) => !isKustomization(path) && !path.includes('/values/') && !named.includes(path));
};

/** Secrets by name with their keys, as k8s/secrets makes them from what bootstrap hands out. */
export const secretKeys = (): Readonly<Record<string, readonly string[]>> => {
  const [kustomization] = yamlDocuments(read('k8s/secrets/kustomization.yaml'));
  const environment: Readonly<Record<string, readonly string[]>> = { 'tally-paper-venue': ['TALLY_VENUE_TOKENS', 'TALLY_VENUE_CONTROL_TOKEN'], 'tally-control': ['TALLY_VENUE_CONTROL_TOKEN'] };
  return Object.fromEntries(listAt(kustomization, 'secretGenerator').map((secret) => {
    const name = textAt(secret, 'name');
    return [name, environment[name] ?? listAt(secret, 'files').map((file) => String(file).split('=')[0] ?? '')];
  }));
};

/** The literals of the base's one config map. */
export const clusterEnvironment = (): Readonly<Record<string, string>> => {
  const [kustomization] = yamlDocuments(read('k8s/base/kustomization.yaml'));
  return Object.fromEntries(listAt(recordAt(kustomization), 'configMapGenerator', 0, 'literals').map((literal) => {
    const text = String(literal);
    return [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)];
  }));
};

/** Whether a program can be run here; not whether it does what it should. */
export const isInstalled = (program: string): boolean => spawnSync(program, ['--help'], { stdio: 'ignore' }).error === undefined;

/** What `kubectl kustomize` renders of a folder. Throws with its words where it refuses. */
export const rendered = (folder: string): readonly Json[] => {
  const run = spawnSync('kubectl', ['kustomize', join(ROOT, folder)], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(run.stderr);
  return yamlDocuments(run.stdout);
};
