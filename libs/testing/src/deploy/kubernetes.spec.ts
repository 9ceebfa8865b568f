import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { clusterEnvironment, isInstalled, kustomizations, rawManifests, rendered, secretKeys, strays } from './cluster-files.ts';
import { knownVariables } from './environment.ts';
import { at, find, listAt, read, recordAt, ROOT, textAt, yamlDocuments, type Json } from './files.ts';
import { clusterFindings } from './kubernetes-rules.ts';

const context = { variables: knownVariables(), secrets: secretKeys() };
const all = rawManifests('k8s/base', 'k8s/overlays/paper');

type Changeable = { [key: string]: Changeable } & { [index: number]: Changeable };

/** The manifests with one of them changed. */
const changed = (title: string, change: (doc: Changeable, container: Changeable, pod: Changeable) => void): readonly Json[] => all.map((doc) => {
  if (`${textAt(doc, 'kind')} ${textAt(doc, 'metadata', 'name')}` !== title) return doc;
  const copy = structuredClone(doc) as unknown as Changeable;
  const pod = at(copy, 'spec', 'template', 'spec') as Changeable;
  change(copy, at(pod, 'containers', 0) as Changeable, pod);
  return copy as unknown as Json;
});
const set = (target: Changeable | undefined, key: string, value: unknown): void => {
  (target as unknown as Record<string, unknown>)[key] = value;
};
const without = (title: string): readonly Json[] => all.filter((doc) => `${textAt(doc, 'kind')} ${textAt(doc, 'metadata', 'name')}` !== title);

describe('the manifests below k8s', () => {
  it('hold to every rule', () => {
    expect(clusterFindings(all, context)).toEqual([]);
    expect(clusterFindings(rawManifests('k8s/base'), context)).toEqual([]);
  });

  it('are all named by a kustomization', () => {
    expect(kustomizations()).toEqual(['k8s/base/kustomization.yaml', 'k8s/overlays/paper/kustomization.yaml', 'k8s/secrets/kustomization.yaml']);
    expect(strays()).toEqual([]);
  });

  it('keep to the dialect of kubectl 1.20: folders are bases, nothing newer is used', () => {
    const fields = kustomizations().flatMap((path) => Object.keys(yamlDocuments(read(path))[0] ?? {}));
    const known = ['apiVersion', 'kind', 'namespace', 'bases', 'resources', 'configMapGenerator', 'secretGenerator', 'generatorOptions', 'patchesStrategicMerge'];
    expect([...new Set(fields)].filter((field) => !known.includes(field))).toEqual([]);
    expect(kustomizations().flatMap((path) => listAt(yamlDocuments(read(path))[0], 'resources')).filter((file) => !String(file).endsWith('.yaml'))).toEqual([]);
  });

  it('give every process variables that it reads, on the ports that services and policies name', () => {
    const environment = clusterEnvironment();
    for (const name of ['intents', 'risk', 'execution', 'fills', 'supervisor', 'gateway']) {
      expect([name, Object.keys(environment).filter((variable) => !context.variables[`apps/${name}/dist/main.js`]?.has(variable))]).toEqual([name, []]);
    }
    const opsPorts = all.flatMap((doc) => listAt(doc, 'spec', 'template', 'spec', 'containers', 0, 'ports')).filter((port) => textAt(port, 'name') === 'ops').map((port) => textAt(port, 'containerPort'));
    expect(new Set(opsPorts)).toEqual(new Set([environment['TALLY_OPS_PORT']]));
    const allowed = all.filter((doc) => doc['kind'] === 'NetworkPolicy').flatMap((policy) => [...listAt(policy, 'spec', 'ingress'), ...listAt(policy, 'spec', 'egress')]).flatMap((rule) => listAt(rule, 'ports')).map((port) => textAt(port, 'port'));
    expect([...new Set(allowed)].sort()).toEqual(['2113', '4222', '53', '7410', '8787', '9100']);
  });

  it('run the image that compose builds', () => {
    const [compose] = yamlDocuments(read('docker-compose.yml'));
    const images = new Set(all.flatMap((doc) => listAt(doc, 'spec', 'template', 'spec', 'containers')).map((container) => textAt(container, 'image')));
    expect([...images]).toEqual([textAt(recordAt(compose, 'services'), 'risk', 'image')]);
  });

  it('hold no value of a secret, and git would not take one', () => {
    expect(find('k8s/**/*').filter((path) => /\.(pem|env|json)$/.test(path) && !path.startsWith('k8s/secrets/values/'))).toEqual([]);
    expect(read('k8s/secrets/.gitignore').split('\n')).toContain('values/');
  });

  it.each<[string, readonly Json[], RegExp]>([
    ['an image without a version', changed('StatefulSet risk', (_doc, it) => set(it, 'image', 'tallystick')), /StatefulSet risk: image tallystick is not pinned/],
    ['the latest image', changed('Deployment intents', (_doc, it) => set(it, 'image', 'tallystick:latest')), /is not pinned/],
    ['root', changed('StatefulSet execution', (_doc, _it, pod) => set(pod['securityContext'], 'runAsNonRoot', false)), /may run as root/],
    ['privileges to be gained', changed('StatefulSet execution', (_doc, it) => set(it['securityContext'], 'allowPrivilegeEscalation', true)), /may gain privileges/],
    ['a misspelt field', changed('Deployment fills', (_doc, it) => set(it['securityContext'], 'readOnlyRootFileSystem', true)), /readOnlyRootFileSystem, which is not known/],
    ['a root that can be written', changed('Deployment fills', (_doc, it) => set(it['securityContext'], 'readOnlyRootFilesystem', false)), /can write its root/],
    ['a capability', changed('Deployment fills', (_doc, it) => set(it['securityContext'], 'capabilities', { drop: ['ALL'], add: ['NET_ADMIN'] })), /keeps capabilities/],
    ['no seccomp profile', changed('Deployment gateway', (_doc, _it, pod) => set(pod['securityContext'], 'seccompProfile', undefined)), /no seccomp profile/],
    ['a service account token', changed('Deployment gateway', (_doc, _it, pod) => set(pod, 'automountServiceAccountToken', true)), /given a service account token/],
    ['the host\'s network', changed('Deployment gateway', (_doc, _it, pod) => set(pod, 'hostNetwork', true)), /hostNetwork, which is not known/],
    ['no readiness probe', changed('StatefulSet risk', (_doc, it) => set(it, 'readinessProbe', undefined)), /readinessProbe does not ask/],
    ['a probe of the wrong page', changed('StatefulSet risk', (_doc, it) => set(it['livenessProbe']?.['httpGet'], 'path', '/readyz')), /livenessProbe does not ask \/healthz/],
    ['a probe of no port', changed('StatefulSet risk', (_doc, it) => set(it['livenessProbe']?.['httpGet'], 'port', 'http')), /asks port http/],
    ['no memory limit', changed('StatefulSet risk', (_doc, it) => set(it['resources'], 'limits', {})), /no limits of memory/],
    ['no requests', changed('StatefulSet risk', (_doc, it) => set(it, 'resources', { limits: { memory: '1Gi' } })), /no requests of cpu/],
    ['two risk pods', changed('StatefulSet risk', (doc) => set(doc['spec'], 'replicas', 2)), /must be one pod/],
    ['fills twice while it is updated', changed('Deployment fills', (doc) => set(doc['spec'], 'strategy', { type: 'RollingUpdate' })), /run twice/],
    ['a selector that misses', changed('Deployment intents', (doc) => set(doc['spec']?.['selector']?.['matchLabels'], 'app.kubernetes.io/name', 'intent')), /does not select its own pods/],
    ['a service that leads nowhere', changed('Service gateway', (doc) => set(doc['spec']?.['selector'], 'app.kubernetes.io/name', 'gate')), /Service gateway: has 0 workloads/],
    ['a service with the wrong port', changed('Service gateway', (doc) => set(doc['spec']?.['ports']?.[1], 'port', 8788)), /port 8788 leads to http/],
    ['a disruption budget for nobody', changed('PodDisruptionBudget risk', (doc) => set(doc['spec']?.['selector']?.['matchLabels'], 'app.kubernetes.io/name', 'risks')), /risk: has 0 disruption budgets/],
    ['a variable that nobody reads', changed('StatefulSet risk', (_doc, it) => set(it, 'env', [{ name: 'TALLY_PARTITION', value: '1' }])), /given TALLY_PARTITION, which/],
    ['a token in the manifest', changed('StatefulSet paper-venue', (_doc, it) => set(it, 'env', [{ name: 'TALLY_VENUE_CONTROL_TOKEN', value: 'changeme' }])), /written down/],
    ['another process\'s secret', changed('Deployment intents', (_doc, _it, pod) => set(pod['volumes']?.[0]?.['secret'], 'secretName', 'tally-execution')), /secret tally-execution of another process/],
    ['a key that its secret has not', changed('Deployment intents', (_doc, _it, pod) => set(pod['volumes']?.[0]?.['secret'], 'items', [{ key: 'decision.pem', path: 'keys/decision.pem' }])), /wants decision.pem of tally-intents/],
    ['venue tokens in risk', changed('StatefulSet risk', (_doc, it) => set(it, 'env', [{ name: 'TALLY_VENUE_TOKENS', valueFrom: { secretKeyRef: { name: 'tally-paper-venue', key: 'TALLY_VENUE_TOKENS' } } }])), /is given venue tokens/],
    ['a volume that is not there', changed('Deployment intents', (_doc, _it, pod) => set(pod, 'volumes', [])), /unknown volume/],
    ['no default-deny', without('NetworkPolicy default-deny'), /no default-deny/],
    ['a default-deny with a hole', changed('NetworkPolicy default-deny', (doc) => set(doc['spec'], 'egress', [{}])), /no default-deny|can open a connection/],
    ['a way to the venue for everybody', changed('NetworkPolicy execution-to-venue', (doc) => set(doc['spec'], 'podSelector', {})), /StatefulSet risk: can open a connection to a venue/],
    ['a way to the internet for risk', changed('NetworkPolicy engines', (doc) => set(doc['spec']?.['egress']?.[0], 'to', [{ ipBlock: { cidr: '0.0.0.0/0' } }])), /StatefulSet risk: can open a connection to a venue/],
    ['no way to the venue for execution', without('NetworkPolicy execution-to-venue'), /execution cannot reach the venue/],
    ['a secret', [...all, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' }, data: { a: 'Yg==' } }], /secrets are not committed/],
    ['an old API version', changed('PodDisruptionBudget risk', (doc) => set(doc, 'apiVersion', 'policy/v1beta1')), /policy\/v1beta1 is not known/],
    ['something twice', [...all, ...all.slice(0, 1)], /is there twice/],
  ])('would be found with %s', (_what, wrong, finding) => {
    expect(clusterFindings(wrong, context).join('\n')).toMatch(finding);
  });
});

// Rendering is kubectl's: without it there is nothing to check but the files as written, which the tests above do.
(isInstalled('kubectl') ? describe : describe.skip)('kubectl kustomize (skipped where there is no kubectl)', () => {
  it('renders base and overlay, and what it renders holds to every rule', () => {
    for (const folder of ['k8s/base', 'k8s/overlays/paper']) expect([folder, clusterFindings(rendered(folder), context)]).toEqual([folder, []]);
  });

  it('puts everything into the namespace and tells risk, execution and fills of the venue, and nobody else of it', () => {
    const docs = rendered('k8s/overlays/paper');
    expect(docs.filter((doc) => doc['kind'] !== 'Namespace' && textAt(doc, 'metadata', 'namespace') !== 'tallystick')).toEqual([]);
    const told = docs.filter((doc) => listAt(doc, 'spec', 'template', 'spec', 'containers', 0, 'env').some((one) => textAt(one, 'name') === 'TALLY_PAPER_VENUE_TOKENS_FILE'));
    expect(told.map((doc) => textAt(doc, 'metadata', 'name')).sort()).toEqual(['execution', 'fills', 'risk']);
  });

  it('makes a secret per process from what bootstrap hands out', () => {
    const dir = mkdtempSync(join(tmpdir(), 'tally-secrets-'));
    try {
      cpSync(join(ROOT, 'k8s/secrets/kustomization.yaml'), join(dir, 'kustomization.yaml'));
      const [kustomization] = yamlDocuments(read('k8s/secrets/kustomization.yaml'));
      const paths = listAt(kustomization, 'secretGenerator').flatMap((secret) => [...listAt(secret, 'files').map((file) => String(file).split('=')[1] ?? ''), ...(textAt(secret, 'env') === '' ? [] : [textAt(secret, 'env')])]);
      for (const path of paths) {
        mkdirSync(dirname(join(dir, path)), { recursive: true });
        writeFileSync(join(dir, path), path.endsWith('.env') ? 'TALLY_VENUE_TOKENS=a=b,c=d\nTALLY_VENUE_CONTROL_TOKEN=e\n' : '{}\n');
      }
      const run = spawnSync('kubectl', ['kustomize', dir], { encoding: 'utf8' });
      expect([run.status, run.status === 0 ? '' : run.stderr]).toEqual([0, '']);
      const secrets = Object.fromEntries(yamlDocuments(run.stdout).map((doc) => [textAt(doc, 'metadata', 'name'), Object.keys(recordAt(doc, 'data'))]));
      expect(secrets['tally-execution']).toEqual(['public.json', 'venue-tokens.json']);
      expect(Object.keys(secrets).sort()).toEqual(Object.keys(context.secrets).sort());
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
