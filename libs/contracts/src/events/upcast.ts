import type { Category } from './catalogue.ts';

/** Data of one version to the next one: pure, total for what that version's schema took. */
export type Upcaster = (data: object) => object;

/** By category, type and the version it starts from: `order.OrderFilled[1]` makes version 2 of version 1. */
export type Upcasters = Partial<Record<Category, Readonly<Record<string, Readonly<Record<number, Upcaster>>>>>>;

/** Events are never rewritten: a released version stays readable through these. Release 0.1 has version 1 of everything. */
export const UPCASTERS: Upcasters = {};

export type Upcast = { readonly ok: true; readonly data: object } | { readonly ok: false; readonly detail: string };

/** Step by step from `fromVersion` to `toVersion`. Refuses a version newer than `toVersion` and a step that nobody wrote. */
export const upcastTo = (upcasters: Upcasters, category: Category, type: string, fromVersion: number, toVersion: number, data: object): Upcast => {
  if (fromVersion > toVersion) return { ok: false, detail: `${type} has schema version ${fromVersion}, newer than ${toVersion}, the newest this build reads` };
  let now = data;
  for (let version = fromVersion; version < toVersion; version += 1) {
    const steps = upcasters[category]?.[type];
    const step = steps && Object.hasOwn(steps, version) ? steps[version] : undefined;
    if (!step) return { ok: false, detail: `${type} has schema version ${fromVersion} and nothing makes version ${version + 1} of version ${version}` };
    now = step(now);
  }
  return { ok: true, data: now };
};
