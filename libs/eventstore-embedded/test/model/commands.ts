import fc from 'fast-check';
import { append, readAll, readStream, setMetadata, softDelete, tombstone } from './calls.ts';
import type { Append, DeleteExpected, FoundRead, Via } from './calls.ts';
import { explain } from './concurrent.ts';
import { followAll, followStream, followThroughAdapter } from './following.ts';
import type { EventFilter } from './following.ts';
import { metastreamOf } from './model.ts';
import type { Expected, Model, Shown } from './model.ts';
import { watchAll, watchStream, watchThroughAdapter } from './watch.ts';
import { expectSame } from './world.ts';
import type { World } from './world.ts';

/** What is known beside the log: made by the commands, so that a run repeats itself exactly. */
export interface State {
  readonly model: Model;
  /** What was sent, to be sent again. */
  readonly sends: Append[];
  /** Every event sent says which sending it is from. */
  sent: number;
}

type Command = fc.AsyncCommand<State, World>;

interface Made {
  readonly says: string;
  readonly run: (state: State, world: World) => Promise<void>;
  readonly check?: (state: State) => boolean;
}

/** After every command the log's end and all subscriptions are compared. */
const made = ({ says, run, check }: Made): Command => ({
  toString: () => says,
  check: (state) => check?.(state) ?? true,
  run: async (state, world) => {
    await run(state, world);
    await world.expectTail(state.model);
    await world.settle(state.model);
  },
});

/** One name begins with another, and one is not ASCII. */
const STREAMS = ['a', 'ab', 'b', 'ü-1'];
const SUBSCRIPTIONS_MAX = 6;

const stream = fc.constantFrom(...STREAMS);
const via = fc.constantFrom<Via>('batch', 'unary', 'adapter');

/** Relative to the last revision, so that most are worth trying. */
type Relative = Exclude<Expected, number> | { readonly offset: number };
const expected: fc.Arbitrary<Relative> = fc.oneof(
  { arbitrary: fc.constant({ offset: 0 }), weight: 4 },
  { arbitrary: fc.constantFrom<Relative>('any', 'no_stream', 'stream_exists'), weight: 4 },
  { arbitrary: fc.record({ offset: fc.integer({ min: -4, max: 2 }) }), weight: 2 },
);

const resolved = (relative: Relative, model: Model, name: string): Expected => {
  if (typeof relative === 'string') return relative;
  const revision = model.last(name) + relative.offset;
  return revision < 0 ? 'no_stream' : revision;
};

interface EventSpec {
  /** Absent: an id not used before. */
  readonly known: number | undefined;
  readonly type: string;
  readonly padding: number;
}

const eventSpec: fc.Arbitrary<EventSpec> = fc.record({
  known: fc.oneof({ arbitrary: fc.constant(undefined), weight: 3 }, { arbitrary: fc.nat({ max: 4 }), weight: 1 }),
  type: fc.constantFrom('Added', 'Taken', 'Añadido'),
  padding: fc.oneof({ arbitrary: fc.constant(0), weight: 6 }, { arbitrary: fc.constantFrom(900, 5_000), weight: 1 }),
});

interface AppendSpec {
  readonly via: Via;
  readonly stream: string;
  readonly expected: Relative;
  readonly events: readonly EventSpec[];
}

const appendSpec = (eventsMin: number): fc.Arbitrary<AppendSpec> =>
  fc.record({ via, stream, expected, events: fc.oneof({ arbitrary: fc.array(eventSpec, { minLength: 1, maxLength: 1 }), weight: 3 }, { arbitrary: fc.array(eventSpec, { minLength: eventsMin, maxLength: 4 }), weight: 2 }) });

const idOf = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const FRESH_FROM = 1_000;

const appendOf = (spec: AppendSpec, state: State): Append => {
  const absolute = resolved(spec.expected, state.model, spec.stream);
  const adapterTakes = spec.events.length > 0 && absolute !== 'any' && absolute !== 'stream_exists';
  const events = spec.events.map(({ known, type, padding }) => {
    state.sent += 1;
    return { id: idOf(known ?? FRESH_FROM + state.sent), type, data: { sent: state.sent, padding: 'x'.repeat(padding) } };
  });
  return { via: spec.via === 'adapter' && !adapterTakes ? 'batch' : spec.via, stream: spec.stream, expected: absolute, events };
};

const send = async (state: State, world: World, one: Append): Promise<void> => {
  const outcome = state.model.append(one.stream, one.expected, one.events);
  await world.expectWritten(`append to ${one.stream} expecting ${one.expected} through ${one.via}`, await append(world.connections, one), outcome, state.model);
};

const text = (value: unknown): string => JSON.stringify(value);

const appending = appendSpec(0).map((spec) => made({
  says: `append ${text(spec)}`,
  run: async (state, world) => {
    const one = appendOf(spec, state);
    state.sends.push(one);
    await send(state, world, one);
  },
}));

const repeating = fc.nat().map((n) => made({
  says: `repeat ${n}`,
  check: ({ sends }) => sends.length > 0,
  run: async (state, world) => {
    const again = state.sends[n % state.sends.length]!;
    // The payload differs, to show that the first one stays.
    const events = again.events.map((event) => ({ ...event, data: { ...event.data, sent: (state.sent += 1) } }));
    await send(state, world, { ...again, events });
  },
}));

const deleteExpected = (relative: Relative, model: Model, name: string): DeleteExpected => {
  const absolute = resolved(relative, model, name);
  return absolute === 'stream_exists' ? 'any' : absolute;
};

const deleting = fc.record({ stream, expected }).map((spec) => made({
  says: `delete ${text(spec)}`,
  run: async ({ model }, world) => {
    const absolute = deleteExpected(spec.expected, model, spec.stream);
    await world.expectWritten(`delete of ${spec.stream} expecting ${absolute}`, await softDelete(world.connections, spec.stream, absolute), model.softDelete(spec.stream, absolute), model);
  },
}));

const burying = fc.record({ stream, expected }).map((spec) => made({
  says: `tombstone ${text(spec)}`,
  run: async ({ model }, world) => {
    const absolute = deleteExpected(spec.expected, model, spec.stream);
    await world.expectWritten(`tombstone of ${spec.stream} expecting ${absolute}`, await tombstone(world.connections, spec.stream, absolute), model.tombstone(spec.stream, absolute), model);
  },
}));

const KEYS = { maxCount: '$maxCount', truncateBefore: '$tb', maxAge: '$maxAge', owner: 'owner' } as const;
const metadata = fc.record({ maxCount: fc.integer({ min: 1, max: 4 }), truncateBefore: fc.nat({ max: 8 }), maxAge: fc.constant(1_000_000), owner: fc.constantFrom('me', 'you') }, { requiredKeys: [] });

const describing = fc.record({ stream, expected, metadata }).map((spec) => made({
  says: `metadata ${text(spec)}`,
  run: async ({ model }, world) => {
    const metastream = metastreamOf(spec.stream);
    const absolute = resolved(spec.expected, model, metastream);
    const data = Object.fromEntries(Object.entries(spec.metadata).map(([key, value]) => [KEYS[key as keyof typeof KEYS], value]));
    const outcome = model.append(metastream, absolute, [{ id: undefined, type: '$metadata', data }]);
    await world.expectWritten(`metadata of ${spec.stream}`, await setMetadata(world.connections, spec.stream, spec.metadata, absolute), outcome, model);
  },
}));

const place = fc.oneof(fc.constantFrom<'start' | 'end'>('start', 'end'), fc.nat());
const limit = fc.oneof(fc.constant(1_000), fc.integer({ min: 1, max: 5 }));
const anyStream = fc.oneof({ arbitrary: stream, weight: 4 }, { arbitrary: stream.map(metastreamOf), weight: 1 }, { arbitrary: fc.constant('never-written'), weight: 1 });

const readingStream = fc.record({ via, stream: anyStream, backwards: fc.boolean(), from: fc.oneof(fc.constantFrom<'start' | 'end'>('start', 'end'), fc.nat({ max: 12 })), limit }).map((given) => {
  // Backwards from the start is not something that the protocol describes.
  const spec = given.backwards && given.from === 'start' ? { ...given, from: 'end' as const } : given;
  return made({
    says: `read ${text(spec)}`,
    run: async ({ model }, world) => {
      const found = await readStream(world.connections, spec);
      expectShown(world, `read ${text(spec)}`, found, model.readStream(spec.stream, spec));
    },
  });
});

const expectShown = (world: World, what: string, found: FoundRead, shown: Shown): void => {
  if (found.kind === 'present' && shown.kind === 'present') world.expectEvents(what, found.events, shown.events);
  else expectSame(what, found.kind, shown.kind);
};

const readingAll = fc.record({ backwards: fc.boolean(), from: place, limit }).map((given) => {
  const spec = given.backwards && given.from === 'start' ? { ...given, from: 'end' as const } : given;
  return made({
    says: `read all ${text(spec)}`,
    run: async ({ model }, world) => {
      const from = typeof spec.from === 'number' ? spec.from % model.log.length : spec.from;
      const found = await readAll(world.connections.stock, typeof from === 'number' ? world.positionOf(from) : from, spec.backwards, spec.limit);
      world.expectEvents(`read all ${text(spec)}`, found, model.readAll({ ...spec, from }));
    },
  });
});

const filter: fc.Arbitrary<EventFilter | undefined> = fc.option(fc.record({ window: fc.integer({ min: 1, max: 5 }), multiplier: fc.integer({ min: 1, max: 3 }) }).chain((sizes) => fc.oneof(
  fc.subarray(['a', 'ab', 'b', 'ü', '$$'], { minLength: 1 }).map((prefixes) => ({ ...sizes, on: 'stream' as const, prefixes })),
  fc.constantFrom('^a', 'b$', '^\\$\\$', '1').map((regex) => ({ ...sizes, on: 'stream' as const, regex })),
  fc.subarray(['A', 'T', '$'], { minLength: 1 }).map((prefixes) => ({ ...sizes, on: 'type' as const, prefixes })),
  fc.constantFrom('ed$', 'ñ').map((regex) => ({ ...sizes, on: 'type' as const, regex })),
)), { nil: undefined });

const followingAll = fc.record({ after: place, filter }).map((spec) => made({
  says: `subscribe to all ${text(spec)}`,
  run: async ({ model }, world) => {
    if (world.watching >= SUBSCRIPTIONS_MAX) return;
    const after = typeof spec.after === 'number' ? spec.after % model.log.length : spec.after;
    const from = after === 'start' ? 0 : after === 'end' ? model.log.length : after + 1;
    const following = followAll(model, `all ${text({ ...spec, after })}`, { from, filter: spec.filter });
    world.add(await watchAll(world.connections, following, typeof after === 'number' ? world.positionOf(after) : after, spec.filter));
  },
}));

const followingStream = fc.record({ stream: anyStream, after: fc.oneof(fc.constantFrom<'start' | 'end'>('start', 'end'), fc.nat({ max: 8 })) }).map((spec) => made({
  says: `subscribe to ${text(spec)}`,
  run: async ({ model }, world) => {
    if (world.watching >= SUBSCRIPTIONS_MAX) return;
    world.add(await watchStream(world.connections, followStream(model, spec.stream, spec.after), spec.stream, spec.after));
  },
}));

const followingThroughAdapter = fc.record({ after: place, prefixes: fc.subarray(['a', 'ab', 'b', 'ü'], { minLength: 1 }) }).map((spec) => made({
  says: `subscribe through the adapter ${text(spec)}`,
  run: async ({ model }, world) => {
    if (world.watching >= SUBSCRIPTIONS_MAX) return;
    const after = typeof spec.after === 'number' ? spec.after % model.log.length : spec.after;
    const following = followThroughAdapter(model, spec.prefixes, after === 'start' ? 0 : after === 'end' ? model.log.length : after + 1);
    world.add(await watchThroughAdapter(world.connections, following, spec.prefixes, typeof after === 'number' ? world.positionOf(after) : after));
  },
}));

const unsubscribing = fc.nat().map((n) => made({
  says: `unsubscribe ${n}`,
  run: async (_, world) => {
    if (world.watching > 0) await world.stopWatch(n % world.watching);
  },
}));

const restarting = fc.record({ how: fc.constantFrom<'SIGTERM' | 'SIGKILL'>('SIGTERM', 'SIGKILL'), dropIndex: fc.boolean() }).map((spec) => made({
  says: `restart ${text(spec)}`,
  run: async ({ model }, world) => {
    await world.restart(spec.how, spec.dropIndex);
    model.restart();
    await world.expectLog(model);
  },
}));

/** Appends at the same time, perhaps with the server killed under them. */
const racing = fc.record({ appends: fc.array(appendSpec(1), { minLength: 2, maxLength: 3 }), killAfterMs: fc.option(fc.nat({ max: 6 }), { nil: undefined }) }).map((spec) => made({
  says: `at once ${text(spec)}`,
  run: async (state, world) => {
    const { model } = state;
    // The stock client's batch append crashes the process when a connection breaks under it.
    const sends = spec.appends.map((one) => appendOf(one, state)).map((one) => (spec.killAfterMs !== undefined && one.via === 'batch' ? { ...one, via: 'unary' as const } : one));
    const pending = Promise.all(sends.map((one) => append(world.connections, one)));
    let lost: Awaited<ReturnType<World['restart']>> = [];
    if (spec.killAfterMs !== undefined) {
      await new Promise((resolve) => setTimeout(resolve, spec.killAfterMs));
      lost = await world.restart('SIGKILL', false);
    }
    const found = await pending;
    const tail = await world.readTail();
    const explained = explain(model, sends.map((one, i) => ({ append: one, found: found[i]! })), tail);
    if (explained === undefined) {
      const shown = { sends, found, tail, before: model.log };
      throw new Error(`no order of appends at once explains what came of them: ${JSON.stringify(shown, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}`);
    }
    model.become(explained);
    if (spec.killAfterMs !== undefined) model.restart();
    world.expectBeginnings(lost, model);
  },
}));

const times = (n: number, arbitrary: fc.Arbitrary<Command>): fc.Arbitrary<Command>[] => Array.from({ length: n }, () => arbitrary);

/** How often each is tried, in proportion. Restarts are dear: each starts a process. */
export const commands = (commandsMax: number): fc.Arbitrary<Iterable<Command>> =>
  fc.commands([
    ...times(9, appending), ...times(4, repeating), ...times(2, deleting), burying, ...times(2, describing),
    ...times(3, readingStream), ...times(2, readingAll), ...times(2, followingAll), followingStream, followingThroughAdapter, unsubscribing,
    restarting, ...times(2, racing),
  ], { maxCommands: commandsMax, size: 'max' });
