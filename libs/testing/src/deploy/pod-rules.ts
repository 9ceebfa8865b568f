import { at, isPinned, listAt, recordAt, textAt, type Json } from './files.ts';

/** Fields in use. A misspelt one is ignored by some clusters and refused by others: here it is found. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  pod: ['serviceAccountName', 'automountServiceAccountToken', 'terminationGracePeriodSeconds', 'restartPolicy', 'topologySpreadConstraints', 'securityContext', 'containers', 'volumes'],
  'pod security context': ['runAsNonRoot', 'runAsUser', 'runAsGroup', 'fsGroup', 'seccompProfile'],
  container: ['name', 'image', 'imagePullPolicy', 'args', 'env', 'envFrom', 'ports', 'startupProbe', 'livenessProbe', 'readinessProbe', 'resources', 'securityContext', 'volumeMounts'],
  'container security context': ['allowPrivilegeEscalation', 'readOnlyRootFilesystem', 'capabilities'],
};

const unknownFields = (what: string, value: Json): readonly string[] =>
  Object.keys(value).filter((field) => !FIELDS[what]?.includes(field)).map((field) => `${what} has the field ${field}, which is not known here`);

const securityFindings = (pod: Json, container: Json): readonly string[] => {
  const [podContext, context] = [recordAt(pod, 'securityContext'), recordAt(container, 'securityContext')];
  const wanted: readonly (readonly [boolean, string])[] = [
    [podContext['runAsNonRoot'] === true, 'may run as root'],
    [Number(podContext['runAsUser']) > 0, 'names no user'],
    [at(podContext, 'seccompProfile', 'type') === 'RuntimeDefault', 'has no seccomp profile'],
    [context['allowPrivilegeEscalation'] === false, 'may gain privileges'],
    [context['readOnlyRootFilesystem'] === true, 'can write its root'],
    [listAt(context, 'capabilities', 'drop').includes('ALL') && at(context, 'capabilities', 'add') === undefined, 'keeps capabilities'],
    [pod['automountServiceAccountToken'] === false, 'is given a service account token'],
  ];
  return [...wanted.filter(([holds]) => !holds).map(([, finding]) => finding), ...unknownFields('pod security context', podContext), ...unknownFields('container security context', context)];
};

const probeFindings = (container: Json): readonly string[] => {
  const ports = new Set(listAt(container, 'ports').map((port) => textAt(port, 'name')));
  const paths = { startupProbe: '/healthz', livenessProbe: '/healthz', readinessProbe: '/readyz' } as const;
  return Object.entries(paths).flatMap(([probe, path]) => {
    const http = recordAt(container, probe, 'httpGet');
    if (http['path'] !== path) return [`${probe} does not ask ${path}`];
    return ports.has(textAt(http, 'port')) ? [] : [`${probe} asks port ${textAt(http, 'port')}, which the container does not have`];
  });
};

const resourceFindings = (container: Json): readonly string[] =>
  ([['requests', 'cpu'], ['requests', 'memory'], ['limits', 'memory']] as const)
    .filter(([kind, what]) => textAt(container, 'resources', kind, what) === '').map(([kind, what]) => `has no ${kind} of ${what}`);

const mountFindings = (pod: Json, container: Json): readonly string[] => {
  const volumes = new Set(listAt(pod, 'volumes').map((volume) => textAt(volume, 'name')));
  return listAt(container, 'volumeMounts').filter((mount) => !volumes.has(textAt(mount, 'name')) && textAt(mount, 'name') !== 'data').map((mount) => `mounts the unknown volume ${textAt(mount, 'name')}`);
};

const environmentFindings = (container: Json, variables: Readonly<Record<string, ReadonlySet<string>>>): readonly string[] => {
  const [entry = ''] = listAt(container, 'args').map(String);
  const known = variables[entry];
  if (!known) return [`runs ${entry}, which is no known program`];
  return listAt(container, 'env').flatMap((one) => {
    const name = textAt(one, 'name');
    const literalSecret = /TOKEN|PASSWORD|SECRET/.test(name) && !name.endsWith('_FILE') && at(one, 'valueFrom', 'secretKeyRef') === undefined;
    return [...(known.has(name) ? [] : [`is given ${name}, which ${entry} does not read`]), ...(literalSecret ? [`${name} is written down instead of taken from a secret`] : [])];
  });
};

/** Everything that is wrong with a pod template's `spec`. Jobs end by themselves: they are not probed. */
export const podFindings = (pod: Json, options: { readonly isJob: boolean; readonly variables: Readonly<Record<string, ReadonlySet<string>>> }): readonly string[] => [
  ...unknownFields('pod', pod),
  ...listAt(pod, 'containers').map((container) => recordAt(container)).flatMap((container) => [
    ...(isPinned(textAt(container, 'image')) ? [] : [`image ${textAt(container, 'image')} is not pinned`]),
    ...unknownFields('container', container), ...securityFindings(pod, container), ...(options.isJob ? [] : probeFindings(container)),
    ...resourceFindings(container), ...mountFindings(pod, container), ...environmentFindings(container, options.variables),
  ]),
];
