import { readFileSync, statSync } from 'node:fs';
import type { Role, StoreUser } from '@tallystick/eventstore-embedded';

export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly detail: string };

const ROLES: readonly Role[] = ['admin', 'service', 'read'];
/** A name, a password without blanks, perhaps a role. A password with blanks wants the JSON form. */
const LINE = /^([^:\s]+):(\S+)(?:\s+(\S+))?$/;
const READ_BY_OTHERS = 0o004;

/**
 * Reads a file that holds a secret. Refuses one that every user of the machine can read. Details name `variable` and the path,
 * never what is in the file.
 */
export function readSecret(variable: string, path: string): Outcome<string> {
  try {
    if ((statSync(path).mode & READ_BY_OTHERS) !== 0) return refused(`${variable}: every user of this machine can read ${path}; take that away (chmod o-r)`);
    return { ok: true, value: readFileSync(path, 'utf8') };
  } catch (error) {
    return refused(`${variable} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * Users from JSON, `{"name": {"password": "...", "role": "service"}}`, or from lines `name:password role`; the role may be left out
 * and is `service` then. Empty lines and lines that begin with `#` are skipped. Details name users and lines, never passwords.
 */
export function parseUsers(text: string): Outcome<ReadonlyMap<string, StoreUser>> {
  const users = new Map<string, StoreUser>();
  const entries = text.trimStart().startsWith('{') ? entriesOfJson(text) : entriesOfLines(text);
  for (const { where, name, password, role = 'service' } of entries) {
    if (name === undefined || name === '' || name.includes(':')) return refused(`${where} has no user name, or one with a colon`);
    if (typeof password !== 'string' || password === '') return refused(`${where} has no password`);
    if (!isRole(role)) return refused(`the role of ${where} is none of ${ROLES.join(', ')}`);
    if (users.has(name)) return refused(`${where} is there twice`);
    users.set(name, { password, role });
  }
  return users.size === 0 ? refused('there is no user in it') : { ok: true, value: users };
}

interface Entry {
  /** What a refusal calls it. */
  readonly where: string;
  readonly name: string | undefined;
  readonly password: unknown;
  readonly role?: unknown;
}

function entriesOfLines(text: string): Entry[] {
  return text.split('\n').flatMap((line, index) => {
    const content = line.trim();
    if (content === '' || content.startsWith('#')) return [];
    const [, name, password, role] = LINE.exec(content) ?? [];
    return [{ where: `line ${index + 1}`, name, password, ...(role !== undefined && { role }) }];
  });
}

function entriesOfJson(text: string): Entry[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The parser's own message quotes what it read.
    return [{ where: 'the file is not JSON and', name: undefined, password: undefined }];
  }
  return Object.entries(parsed ?? {}).map(([name, user]) => {
    const { password, role }: { password?: unknown; role?: unknown } = typeof user === 'object' && user !== null ? user : {};
    return { where: `user ${name}`, name, password, ...(role !== undefined && { role }) };
  });
}

function isRole(value: unknown): value is Role {
  return ROLES.some((role) => role === value);
}

function refused(detail: string): { readonly ok: false; readonly detail: string } {
  return { ok: false, detail };
}
