import { at, listAt, recordAt, textAt, type Json } from './files.ts';
import { podFindings } from './pod-rules.ts';

export interface ClusterContext {
  /** What each program reads, by entry point. */
  readonly variables: Readonly<Record<string, ReadonlySet<string>>>;
  /** Secrets that exist, with their keys. */
  readonly secrets: Readonly<Record<string, readonly string[]>>;
}

const API_VERSIONS: Readonly<Record<string, string>> = {
  Namespace: 'v1', Service: 'v1', ServiceAccount: 'v1', ConfigMap: 'v1', Deployment: 'apps/v1', StatefulSet: 'apps/v1', Job: 'batch/v1',
  PodDisruptionBudget: 'policy/v1', NetworkPolicy: 'networking.k8s.io/v1',
};
const WORKLOADS = ['Deployment', 'StatefulSet', 'Job'];
/** A second copy would contend for what the first one owns. */
const SINGLE = ['risk', 'execution', 'fills', 'supervisor', 'conductor', 'paper-venue'];
/** The venue's account tokens open accounts: they are in one pod. */
const VENUE_TOKENS = ['execution'];
/** Who may open a connection to the venue, and why. */
const REACHES_VENUE: Readonly<Record<string, string>> = { execution: 'sends orders', conductor: 'moves the paper market', bootstrap: 'reads the paper market\'s instruments' };

const nameOf = (doc: unknown): string => textAt(doc, 'metadata', 'name');
const titleOf = (doc: unknown): string => `${textAt(doc, 'kind')} ${nameOf(doc)}`;
const labelsOf = (workload: Json): Json => recordAt(workload, 'spec', 'template', 'metadata', 'labels');

/** `matchLabels` and `In` expressions: all that the manifests use. An empty selector selects everything. */
const selects = (selector: unknown, labels: Json): boolean =>
  Object.entries(recordAt(selector, 'matchLabels')).every(([key, value]) => labels[key] === value) &&
  listAt(selector, 'matchExpressions').every((one) => textAt(one, 'operator') === 'In' && listAt(one, 'values').includes(labels[textAt(one, 'key')]));

const workloadFindings = (workload: Json, all: readonly Json[], { variables, secrets }: ClusterContext): readonly string[] => {
  const [name, kind] = [nameOf(workload), textAt(workload, 'kind')];
  const pod = recordAt(workload, 'spec', 'template', 'spec');
  const findings = [...podFindings(pod, { isJob: kind === 'Job', variables })];
  if (kind !== 'Job') {
    const selector = recordAt(workload, 'spec', 'selector', 'matchLabels');
    if (Object.keys(selector).length === 0 || !selects({ matchLabels: selector }, labelsOf(workload))) findings.push('does not select its own pods');
    if (SINGLE.includes(name) && at(workload, 'spec', 'replicas') !== 1) findings.push('must be one pod');
    if (kind === 'Deployment' && SINGLE.includes(name) && at(workload, 'spec', 'strategy', 'type') !== 'Recreate') findings.push('would run twice while it is updated');
    const budgets = all.filter((doc) => doc['kind'] === 'PodDisruptionBudget' && selects(at(doc, 'spec', 'selector'), labelsOf(workload)));
    if (budgets.length !== 1) findings.push(`has ${budgets.length} disruption budgets`);
  }
  if (!all.some((doc) => doc['kind'] === 'ServiceAccount' && nameOf(doc) === textAt(pod, 'serviceAccountName'))) findings.push(`runs as the unknown service account ${textAt(pod, 'serviceAccountName')}`);
  for (const volume of listAt(pod, 'volumes')) {
    const secret = textAt(volume, 'secret', 'secretName');
    if (secret === '') continue;
    if (secret !== `tally-${name}`) findings.push(`mounts the secret ${secret} of another process`);
    for (const item of listAt(volume, 'secret', 'items')) if (!secrets[secret]?.includes(textAt(item, 'key'))) findings.push(`wants ${textAt(item, 'key')} of ${secret}, which has none`);
  }
  for (const one of listAt(pod, 'containers', 0, 'env')) {
    const [secret, key] = [textAt(one, 'valueFrom', 'secretKeyRef', 'name'), textAt(one, 'valueFrom', 'secretKeyRef', 'key')];
    if (secret !== '' && !secrets[secret]?.includes(key)) findings.push(`wants ${key} of ${secret}, which has none`);
    if (/VENUE_TOKENS$/.test(textAt(one, 'name')) && name !== 'paper-venue' && !VENUE_TOKENS.includes(name)) findings.push('is given venue tokens');
  }
  return findings.map((finding) => `${titleOf(workload)}: ${finding}`);
};

const serviceFindings = (service: Json, workloads: readonly Json[]): readonly string[] => {
  const behind = workloads.filter((workload) => textAt(workload, 'kind') !== 'Job' && selects({ matchLabels: recordAt(service, 'spec', 'selector') }, labelsOf(workload)));
  const [workload] = behind;
  if (behind.length !== 1 || !workload) return [`${titleOf(service)}: has ${behind.length} workloads behind it`];
  const ports = new Map(listAt(workload, 'spec', 'template', 'spec', 'containers', 0, 'ports').map((port) => [textAt(port, 'name'), textAt(port, 'containerPort')]));
  return listAt(service, 'spec', 'ports')
    .filter((port) => ports.get(textAt(port, 'targetPort')) !== textAt(port, 'port'))
    .map((port) => `${titleOf(service)}: port ${textAt(port, 'port')} leads to ${textAt(port, 'targetPort')}, which ${nameOf(workload)} does not have there`);
};

const networkFindings = (policies: readonly Json[], workloads: readonly Json[]): readonly string[] => {
  const findings: string[] = [];
  const denies = policies.some((policy) => Object.keys(recordAt(policy, 'spec', 'podSelector')).length === 0 && ['Ingress', 'Egress'].every((type) => listAt(policy, 'spec', 'policyTypes').includes(type))
    && at(policy, 'spec', 'ingress') === undefined && at(policy, 'spec', 'egress') === undefined);
  if (!denies) findings.push('there is no default-deny NetworkPolicy');
  const venue = workloads.find((workload) => nameOf(workload) === 'paper-venue');
  for (const workload of workloads) {
    const reaches = policies.some((policy) => selects(at(policy, 'spec', 'podSelector'), labelsOf(workload)) && listAt(policy, 'spec', 'egress').some((rule) => {
      const to = listAt(rule, 'to');
      // Without `to` a rule leads everywhere; an address block may be anything.
      return to.length === 0 || to.some((peer) => at(peer, 'ipBlock') !== undefined || (venue !== undefined && at(peer, 'podSelector') !== undefined && at(peer, 'namespaceSelector') === undefined
        && selects(at(peer, 'podSelector'), labelsOf(venue)) && listAt(rule, 'ports').some((port) => at(port, 'port') === 7410)));
    }));
    if (reaches && !Object.hasOwn(REACHES_VENUE, nameOf(workload))) findings.push(`${titleOf(workload)}: can open a connection to a venue`);
    if (venue && nameOf(workload) === 'execution' && !reaches) findings.push('execution cannot reach the venue');
  }
  return findings;
};

/** Everything that is wrong with the manifests of a deployment, a line each. */
export const clusterFindings = (docs: readonly Json[], context: ClusterContext): readonly string[] => {
  const workloads = docs.filter((doc) => WORKLOADS.includes(textAt(doc, 'kind')));
  const known = docs.flatMap((doc) => {
    const kind = textAt(doc, 'kind');
    if (kind === 'Secret') return [`${titleOf(doc)}: secrets are not committed`];
    return API_VERSIONS[kind] === doc['apiVersion'] ? [] : [`${titleOf(doc)}: ${kind} of ${textAt(doc, 'apiVersion')} is not known here`];
  });
  const titles = docs.map(titleOf);
  const doubled = titles.filter((title, i) => titles.indexOf(title) !== i).map((title) => `${title}: is there twice`);
  return [
    ...known, ...doubled,
    ...workloads.flatMap((workload) => workloadFindings(workload, docs, context)),
    ...docs.filter((doc) => doc['kind'] === 'Service').flatMap((service) => serviceFindings(service, workloads)),
    ...docs.filter((doc) => doc['kind'] === 'ServiceAccount' && doc['automountServiceAccountToken'] !== false).map((doc) => `${titleOf(doc)}: hands out tokens`),
    ...networkFindings(docs.filter((doc) => doc['kind'] === 'NetworkPolicy'), workloads),
  ];
};
