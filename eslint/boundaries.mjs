/** Who may import whom. Arrows point one way; the check in libs/testing holds package.json and tsconfig references to this table. */
export const mayImport = {
  domain: [],
  calendars: ['domain'],
  ports: ['domain'],
  contracts: ['domain', 'ports'],
  'event-sourcing': ['domain', 'ports', 'contracts'],
  platform: ['ports'],
  services: ['domain', 'calendars', 'ports', 'contracts', 'event-sourcing'],
  eventstore: ['ports', 'event-sourcing', 'contracts'],
  'eventstore-embedded': ['platform'],
  messaging: ['ports', 'contracts', 'platform'],
  market: ['domain', 'calendars', 'ports', 'contracts'],
  venues: ['domain', 'ports', 'contracts'],
  'read-models': ['domain', 'ports', 'contracts', 'event-sourcing'],
  sdk: ['contracts', 'domain', 'ports', 'messaging'],
};
mayImport.host = Object.keys(mayImport);
mayImport.testing = ['eventstore-embedded', 'eventstore', 'messaging', 'platform', 'ports', 'host'];

/** testing builds on these: their own specs do without it, and are not run again when it changes. */
export const beneathTesting = ['domain', 'ports', 'contracts', 'event-sourcing', 'platform'];

const scopes = (names) => names.map((name) => `scope:${name}`);

export function boundaries({ specs }) {
  const constraints = Object.entries(mayImport).map(([name, allowed]) => ({
    sourceTag: `scope:${name}`,
    onlyDependOnLibsWithTags: scopes(specs && !beneathTesting.includes(name) ? [...allowed, 'testing'] : allowed),
  }));
  constraints.push({
    sourceTag: 'type:app',
    onlyDependOnLibsWithTags: ['type:lib'],
    ...(specs ? {} : { notDependOnLibsWithTags: ['scope:testing'] }),
  });
  // A spec may use testing although testing is built on what the spec tests: nothing that is built goes round in that circle.
  const ignoredCircularDependencies = specs ? [['*', 'testing']] : [];
  return ['error', { ignoredCircularDependencies, enforceBuildableLibDependency: false, allow: [], allowCircularSelfDependency: false, depConstraints: constraints }];
}
