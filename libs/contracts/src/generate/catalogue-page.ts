import { CATEGORIES } from '../streams/streams.ts';
import { LANES } from '../subjects/subjects.ts';
import { ROUTES } from '../queries/index.ts';
import { CHANNELS } from './channels.ts';
import { cataloguedEvents, nameOf } from './schemas.ts';

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');

const code = (text: string): string => `\`${text}\``;

const eventTables = (): string =>
  Object.entries(CATEGORIES)
    .map(([category, { prefix, writers }]) => {
      const rows = cataloguedEvents()
        .filter((event) => event.category === category)
        .map(({ type, schemaVersion, description }) => [`[${type}](json-schema/event.${category}.${type}.v${schemaVersion}.json)`, String(schemaVersion), description]);
      return `### ${category}\n\n${code(`${prefix}${prefix.endsWith('-') ? '…' : ''}`)}, written by ${writers.join(', ')}.\n\n${table(['Event', 'Version', 'Says'], rows)}`;
    })
    .join('\n\n');

/** What a reader of the log or the bus needs on one page. */
export const cataloguePage = (): string => `# Contracts

Generated from \`libs/contracts\` by \`npm run generate\`; do not edit. Beside this page: [asyncapi.json](asyncapi.json) (every subject),
[openapi.json](openapi.json) (the gateway) and [json-schema/](json-schema) (one file per message and event).

Quantities, prices and money are decimal strings. Times end in \`_ms\`: milliseconds since 1970-01-01T00:00:00Z. Readers ignore members they do not
know in answers; unknown members of a request are refused.

## Streams

${table(
  ['Category', 'Stream', 'Writers', 'Holds'],
  Object.entries(CATEGORIES).map(([category, { prefix, writers, holds }]) => [category, code(`${prefix}${prefix.endsWith('-') ? '…' : ''}`), writers.join(', '), holds]),
)}

## Events

Every event carries the metadata of [EventMetadata.json](json-schema/EventMetadata.json): who, which build, under which policy, because of what, and the hash of
the event before it in its stream. \`schemaversion\` names the version of the data; older ones are read through upcasters.

${eventTables()}

## Subjects

${table(
  ['Subject', 'Carrier', 'From', 'To', 'Message', 'Reply', 'For'],
  CHANNELS.map(({ address, carrier, from, to, messages, replies = [], description }) => [
    code(address), carrier, from, to, messages.map(nameOf).join(', '), replies.map(nameOf).join(', ') || '–', description,
  ]),
)}

Commands travel in one work queue per service and partition. A lane has a consumer of its own, so that it never waits behind another:

${table(['Service', 'Lanes'], Object.entries(LANES).map(([service, lanes]) => [service, lanes.join(', ')]))}

## Routes

${table(['Route', 'Scope', 'For'], ROUTES.map(({ method, path, scope, summary }) => [code(`${method.toUpperCase()} ${path}`), scope, summary]))}
`;
