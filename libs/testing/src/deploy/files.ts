import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

/** The repository's root. */
export const ROOT = join(import.meta.dirname, '../../../..');

export const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** Paths below the root, sorted. */
export const find = (...patterns: string[]): readonly string[] => globSync(patterns, { cwd: ROOT }).sort();

export type Json = Readonly<Record<string, unknown>>;

/** Every document of a YAML text. Throws with the parser's words on one that is not, on a doubled key and on a warning. */
export const yamlDocuments = (text: string): readonly Json[] =>
  parseAllDocuments(text, { merge: true, uniqueKeys: true }).map((document) => {
    const [problem] = [...document.errors, ...document.warnings];
    if (problem) throw new Error(problem.message);
    return document.toJS() as Json;
  });

/** A value deep inside: `at(doc, 'spec', 'containers', 0)`. `undefined` when anything on the way is missing. */
export const at = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>((inner, key) => (typeof inner === 'object' && inner !== null ? (inner as Readonly<Record<string | number, unknown>>)[key] : undefined), value);

export const listAt = (value: unknown, ...path: readonly (string | number)[]): readonly unknown[] => {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
};

export const recordAt = (value: unknown, ...path: readonly (string | number)[]): Json => {
  const found = at(value, ...path);
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as Json) : {};
};

export const textAt = (value: unknown, ...path: readonly (string | number)[]): string => {
  const found = at(value, ...path);
  return typeof found === 'string' || typeof found === 'number' ? String(found) : '';
};

/** name:tag, or name@sha256:…; never `latest`, never without. */
export const isPinned = (image: string): boolean => /@sha256:[0-9a-f]{64}$/.test(image) || (/:[\w][\w.-]*$/.test(image) && !/:(latest|stable|edge|main|master)$/.test(image) && /\d/.test(image.slice(image.lastIndexOf(':'))));
