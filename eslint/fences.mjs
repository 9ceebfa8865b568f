/**
 * Decisions replay: what decides may not look at the clock, draw a random number, wait, or do IO. Those come in as inputs and
 * ports, so that the simulator runs the very code that production runs.
 */
export const deterministic = ['domain', 'calendars', 'contracts', 'event-sourcing', 'services'];

const WHY = 'comes in as an input or a port: decisions replay.';

const ioModules = [
  'fs', 'fs/promises', 'net', 'tls', 'dgram', 'dns', 'dns/promises', 'http', 'https', 'http2', 'child_process', 'cluster', 'worker_threads',
  'timers', 'timers/promises', 'perf_hooks', 'process', 'os', 'sqlite', 'vm', 'readline', 'repl', 'inspector',
].flatMap((name) => [name, `node:${name}`]);

const randomFromCrypto = ['randomUUID', 'randomBytes', 'randomInt', 'randomFill', 'randomFillSync', 'getRandomValues', 'webcrypto', 'default'];

export const globals = {
  'no-restricted-globals': [
    'error',
    {
      globals: [
        ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'performance', 'process', 'fetch', 'crypto', 'navigator', 'WebSocket', 'require'].map(
          (name) => ({ name, message: `${name} ${WHY}` }),
        ),
        { name: 'globalThis', message: 'reaches everything that is fenced off.' },
        { name: 'global', message: 'reaches everything that is fenced off.' },
      ],
    },
  ],
  'no-restricted-properties': [
    'error',
    { object: 'Math', property: 'random', message: `Randomness ${WHY}` },
    ...randomFromCrypto.filter((name) => name !== 'default').map((property) => ({ object: 'crypto', property, message: `Randomness ${WHY}` })),
  ],
};

// Date stays usable as a type, and Date.UTC and Date.parse as arithmetic.
const dateValues = [
  "NewExpression[callee.name='Date']",
  "CallExpression[callee.name='Date']",
  "MemberExpression[object.name='Date']:not([computed=false][property.name=/^(UTC|parse)$/])",
  "VariableDeclarator > Identifier.init[name='Date']",
  "AssignmentExpression > Identifier.right[name='Date']",
  "Property > Identifier.value[name='Date']",
  "CallExpression > Identifier.arguments[name='Date']",
  "NewExpression > Identifier.arguments[name='Date']",
  "ClassDeclaration > Identifier.superClass[name='Date']",
];

const forbiddenSyntax = (selectors, message) => selectors.map((selector) => ({ selector, message }));

/** The drivers of the two engines stay behind one library each. */
const drivers = {
  nats: { allowed: ['messaging', 'testing'], pattern: '^nats($|/)', message: 'Only libs/messaging talks to NATS.' },
  '@eventstore/db-client': {
    // The campaign reads what a store serves by a second client: a judge that shared ours would share its mistakes.
    allowed: ['eventstore', 'eventstore-embedded', 'apps/campaign'],
    pattern: '^@eventstore/db-client($|/)',
    message: 'Only libs/eventstore talks to the event store.',
  },
};

/** The import rules of one project. They are one rule with one setting, so each project needs the sum of what holds for it. */
export function imports(project, { specs }) {
  const patterns = [];
  const paths = [];
  const syntax = [];
  for (const { allowed, pattern, message } of Object.values(drivers)) {
    if (allowed.includes(project)) continue;
    patterns.push({ regex: pattern, message });
    syntax.push(...forbiddenSyntax([`ImportExpression[source.value=/${pattern.replaceAll('/', '\\u002F')}/]`], message));
  }
  if (!specs && deterministic.includes(project)) {
    paths.push(
      ...ioModules.map((name) => ({ name, message: `IO ${WHY}` })),
      ...['crypto', 'node:crypto'].map((name) => ({ name, importNames: randomFromCrypto, message: `Randomness ${WHY}` })),
    );
    syntax.push(...forbiddenSyntax(dateValues, `The time ${WHY} Where a given time is converted, excuse the line and say why.`), ...forbiddenSyntax(['ImportExpression'], 'Import at the top of the file.'));
  }
  if (!specs && project === 'domain') patterns.push({ regex: '^(?!big\\.js$|\\.{1,2}/)', message: 'The domain imports its own files and big.js.' });
  return {
    '@typescript-eslint/no-restricted-imports': ['error', { paths, patterns }],
    ...(syntax.length > 0 ? { 'no-restricted-syntax': ['error', ...syntax] } : {}),
  };
}
