import type { z } from 'zod';

/** One event type: the version its data is written at now, the shape of that data, and what it says. */
export interface EventDefinition {
  readonly schemaVersion: number;
  readonly schema: z.ZodType<object>;
  readonly description: string;
}

export type EventDefinitions = Readonly<Record<string, EventDefinition>>;

interface AnyEvent {
  readonly type: string;
  readonly data: object;
}

type Plain<T> = T extends object ? { -readonly [K in keyof T]: Plain<T[K]> } : T;
type Whole<T> = T extends object ? { -readonly [K in keyof T]-?: Whole<T[K]> } : T;
type Both<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

/** The same members, optional where the other's are. `Whole` finds an optional member that one side lacks. */
export type SameShape<A, B> = Both<Plain<A>, Plain<B>> extends true ? Both<Whole<A>, Whole<B>> : false;

type Checked<E extends AnyEvent, C extends EventDefinitions> = {
  [T in keyof C]: T extends E['type'] ? (SameShape<z.infer<C[T]['schema']>, Extract<E, { type: T }>['data']> extends true ? C[T] : 'the schema differs from the domain type') : 'the domain has no such event';
};

/** The definitions of all events of the union `E`. A missing type, one too many, or a member that differs does not compile. */
export const eventsOf =
  <E extends AnyEvent>() =>
  <C extends { readonly [T in E['type']]: EventDefinition }>(definitions: C & Checked<E, C>): C =>
    definitions;

/** A schema that has exactly the members of `T`; one that differs does not compile. */
export const shapeOf =
  <T>() =>
  <S extends z.ZodType>(schema: S, ..._drift: SameShape<z.infer<S>, T> extends true ? [] : ['the schema differs from the domain type']): S =>
    schema;
