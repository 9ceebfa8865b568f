import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { END, START, eventTypeFilter, jsonEvent, streamNameFilter } from '@eventstore/db-client';
import type { Filter, Position, ReadPosition } from '@eventstore/db-client';
import { Fixture, until } from '../test/support.ts';

const fixture = new Fixture();
beforeAll(() => fixture.start());
afterAll(() => fixture.remove());

/** What one subscription was sent, in order. */
type Sent = `event ${string}` | `checkpoint ${number}` | 'caught up';

interface Watch {
  readonly sent: Sent[];
  stop(): Promise<void>;
}

function watch(fromPosition: ReadPosition, filter: Omit<Filter, 'checkpointReached'>): Watch {
  const sent: Sent[] = [];
  const checkpointReached = (_: unknown, { commit }: Position): Promise<void> => Promise.resolve(void sent.push(`checkpoint ${Number(commit)}`));
  const subscription = fixture.client.subscribeToAll({ fromPosition, filter: { ...filter, checkpointReached } as Filter });
  subscription.on('data', ({ event }) => void sent.push(`event ${event!.streamId}@${event!.revision}`));
  subscription.on('caughtUp', () => void sent.push('caught up'));
  return { sent, stop: () => subscription.unsubscribe() };
}

const at = (position: number): ReadPosition => ({ commit: BigInt(position), prepare: BigInt(position) });

/** Appends so many events one by one; gives the position of the first. */
async function write(stream: string, count: number, type = 'Noise'): Promise<number> {
  let first = 0;
  for (let n = 0; n < count; n++) {
    const { position } = await fixture.client.appendToStream(stream, jsonEvent({ type, data: {} }));
    if (n === 0) first = Number(position!.commit);
  }
  return first;
}

const by = (maxSearchWindow: number, checkpointInterval: number, prefix: string): Omit<Filter, 'checkpointReached'> =>
  streamNameFilter({ prefixes: [prefix], maxSearchWindow, checkpointInterval });

describe('checkpoints of a filtered subscription', () => {
  it('come at every interval of events considered, matching or not, and once more where history ends', async () => {
    const first = await write('noise-a', 10);
    await write('wanted-a', 1);
    await write('noise-a', 6);
    const { sent, stop } = watch(at(first - 1), by(4, 2, 'wanted-a'));
    await until(() => sent.includes('caught up'));
    await until(() => sent.length === 5);
    expect(sent.filter((what) => what !== 'caught up')).toEqual([`checkpoint ${first + 7}`, 'event wanted-a@0', `checkpoint ${first + 15}`, `checkpoint ${first + 16}`]);
    // Live they go on by the interval alone: 8 events after the last one.
    await write('noise-a', 7);
    await write('wanted-a', 1);
    await write('noise-a', 8);
    await until(() => sent.includes(`checkpoint ${first + 32}`));
    expect(sent.slice(5)).toEqual(['event wanted-a@1', `checkpoint ${first + 24}`, `checkpoint ${first + 32}`]);
    await stop();
  });

  it('are not repeated where an interval ends with history', async () => {
    const first = await write('noise-b', 12);
    const { sent, stop } = watch(at(first - 1), by(6, 1, 'nothing'));
    await until(() => sent.includes('caught up'));
    await write('noise-b', 6);
    await until(() => sent.includes(`checkpoint ${first + 17}`));
    expect(sent.filter((what) => what !== 'caught up')).toEqual([`checkpoint ${first + 5}`, `checkpoint ${first + 11}`, `checkpoint ${first + 17}`]);
    await stop();
  });

  it('are given to whoever begins at the end, once there is something to say', async () => {
    const first = await write('noise-c', 1);
    const { sent, stop } = watch(END, by(3, 1, 'nothing'));
    await until(() => sent.includes('caught up'));
    await write('noise-c', 3);
    await until(() => sent.length === 2);
    expect(sent).toEqual(['caught up', `checkpoint ${first + 3}`]);
    await stop();
  });

  it('come every 32 events by default, and for filters on types as for those on names', async () => {
    const first = await write('noise-d', 70);
    const filters = [streamNameFilter({ prefixes: ['nothing'] }), eventTypeFilter({ prefixes: ['Nothing'] }), streamNameFilter({ regex: '^nothing' })];
    for (const filter of filters) {
      const { sent, stop } = watch(at(first - 1), filter);
      await until(() => sent.includes('caught up') && sent.length === 4);
      expect(sent.filter((what) => what !== 'caught up')).toEqual([`checkpoint ${first + 31}`, `checkpoint ${first + 63}`, `checkpoint ${first + 69}`]);
      await stop();
    }
  });

  it('are safe to go on from: what matches behind each is what comes after it, and nothing else', async () => {
    const first = await write('noise-e', 3);
    for (let n = 0; n < 40; n++) await write(n % 3 === 0 ? 'wanted-e' : 'noise-e', 1);
    const whole = watch(START, by(5, 1, 'wanted-e'));
    await until(() => whole.sent.includes('caught up') && whole.sent.includes(`checkpoint ${first + 42}`));
    await whole.stop();
    const events = whole.sent.filter((what) => what.startsWith('event'));
    expect(events).toHaveLength(14);
    for (const [n, what] of whole.sent.entries()) {
      if (!what.startsWith('checkpoint')) continue;
      const resumed = watch(at(Number(what.slice('checkpoint '.length))), by(5, 1, 'wanted-e'));
      await until(() => resumed.sent.includes('caught up'));
      await resumed.stop();
      const expected = whole.sent.slice(n).filter((later) => later.startsWith('event'));
      expect(resumed.sent.filter((later) => later.startsWith('event'))).toEqual(expected);
    }
  });
});
