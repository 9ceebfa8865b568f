import { createSourceFile, forEachChild, isCallExpression, isObjectLiteralExpression, isPropertyAccessExpression, isPropertyAssignment, isStringLiteral, ScriptTarget, type Node } from 'typescript';
import { find, read } from './files.ts';

const VARIABLE = /^(TALLY|OTEL)_[A-Z_]+$|^ESDB_URL$/;

/** The same rule as in libs/platform's configuration. */
const variableOf = (member: string): string => `TALLY_${member.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()}`;

const walk = (node: Node, visit: (node: Node) => void): void => {
  visit(node);
  forEachChild(node, (child) => walk(child, visit));
};

/** Every environment variable that a file names: by a literal, or as a member of its configuration's `z.object`. */
const variablesOf = (file: string, hasSchema: boolean): readonly string[] => {
  const found = new Set<string>();
  walk(createSourceFile(file, read(file), ScriptTarget.Latest, true), (node) => {
    if (isStringLiteral(node) && VARIABLE.test(node.text)) found.add(node.text);
    if (!hasSchema || !isCallExpression(node) || !isPropertyAccessExpression(node.expression) || node.expression.getText() !== 'z.object') return;
    const [shape] = node.arguments;
    if (shape && isObjectLiteralExpression(shape)) for (const member of shape.properties) if (isPropertyAssignment(member)) found.add(variableOf(member.name.getText()));
  });
  return [...found];
};

const PLATFORM = ['libs/platform/src/build.ts', 'libs/platform/src/failpoints.ts', ...find('libs/platform/src/otel.ts')];
const schema = (file: string): readonly string[] => variablesOf(file, true);
const literals = (...files: readonly string[]): readonly string[] => files.flatMap((file) => variablesOf(file, false));
const service = (): readonly string[] => [...schema('libs/host/src/process/process-config.ts'), 'ESDB_URL', ...literals(...PLATFORM)];

/** What each program reads, by its entry point. */
export const knownVariables = (): Readonly<Record<string, ReadonlySet<string>>> => {
  const of = (...lists: readonly (readonly string[])[]): ReadonlySet<string> => new Set(lists.flat());
  return {
    'apps/intents/dist/main.js': of(service()),
    'apps/risk/dist/main.js': of(service()),
    'apps/execution/dist/main.js': of(service()),
    'apps/fills/dist/main.js': of(service()),
    'apps/supervisor/dist/main.js': of(service(), literals('libs/host/src/services.ts')),
    'apps/gateway/dist/main.js': of(service(), schema('libs/services/src/gateway/gateway-config.ts')),
    'apps/paper-venue/dist/main.js': of(literals('apps/paper-venue/src/config.ts')),
    'apps/eventstore/dist/main.js': of(literals('apps/eventstore/src/settings.ts')),
    'apps/bootstrap/dist/main.js': of(schema('apps/bootstrap/src/config.ts'), ['ESDB_URL'], literals(...PLATFORM)),
    'apps/conductor/dist/main.js': of(schema('apps/conductor/src/config.ts'), ['ESDB_URL'], literals(...PLATFORM)),
    'apps/strategies/dist/main.js': of(literals('apps/strategies/src/config.ts', 'libs/sdk/src/settings.ts'), literals(...PLATFORM)),
  };
};
