import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ANY, NO_STREAM, STREAM_EXISTS, jsonEvent } from '@eventstore/db-client';
import type { AppendExpectedRevision } from '@eventstore/db-client';
import { Fixture, WAYS, append, event, readIds } from '../test/support.ts';
import type { Outcome } from '../test/support.ts';

/** One append: expectation, ids of its events, what must come of it. */
type Step = readonly [AppendExpectedRevision, readonly number[], Outcome] | 'soft delete' | 'tombstone' | 'metadata';

interface Row {
  readonly says: string;
  readonly steps: readonly Step[];
  /** Ids in the stream afterwards; undefined when it does not exist. */
  readonly stored: readonly number[] | undefined | 'deleted';
}

const ROWS: readonly Row[] = [
  { says: 'ANY writes to a stream never seen', steps: [[ANY, [1], 0]], stored: [1] },
  { says: 'NO_STREAM writes to a stream never seen', steps: [[NO_STREAM, [1], 0]], stored: [1] },
  { says: 'an exact revision is wrong for a stream never seen', steps: [[0n, [1], 'wrong']], stored: undefined },
  { says: 'STREAM_EXISTS is wrong for a stream never seen', steps: [[STREAM_EXISTS, [1], 'wrong']], stored: undefined },
  { says: 'STREAM_EXISTS writes to a stream that has only metadata', steps: ['metadata', [STREAM_EXISTS, [1], 0]], stored: [1] },
  { says: 'STREAM_EXISTS is refused as deleted on a soft-deleted stream', steps: [[ANY, [1], 0], 'soft delete', [STREAM_EXISTS, [2], 'deleted']], stored: undefined },
  { says: 'every expectation is refused as deleted on a tombstoned stream', steps: [[ANY, [1], 0], 'tombstone', [ANY, [2], 'deleted'], [NO_STREAM, [2], 'deleted'], [0n, [2], 'deleted'], [STREAM_EXISTS, [2], 'deleted']], stored: 'deleted' },
  { says: 'ANY with a new first id writes all, old later ids too', steps: [[ANY, [1, 2], 1], [ANY, [3, 1], 3]], stored: [1, 2, 3, 1] },
  { says: 'ANY with all ids known is a repeat', steps: [[ANY, [1, 2, 3], 2], [ANY, [1, 2], 1]], stored: [1, 2, 3] },
  { says: 'STREAM_EXISTS with all ids known is a repeat', steps: [[ANY, [1, 2], 1], [STREAM_EXISTS, [2], 1]], stored: [1, 2] },
  { says: 'ANY with a known first and an unknown later id is wrong', steps: [[ANY, [1, 2], 1], [ANY, [1, 3], 'wrong']], stored: [1, 2] },
  { says: 'an earlier revision with the stored ids is a repeat, answered with its last event', steps: [[NO_STREAM, [1, 2, 3], 2], [0n, [2], 1], [NO_STREAM, [1, 2], 1], [0n, [2, 3], 2]], stored: [1, 2, 3] },
  { says: 'an earlier revision with another first id is wrong', steps: [[NO_STREAM, [1, 2], 1], [NO_STREAM, [3], 'wrong'], [0n, [3], 'wrong']], stored: [1, 2] },
  { says: 'an earlier revision whose later id differs is wrong', steps: [[NO_STREAM, [1, 2, 3], 2], [NO_STREAM, [1, 4], 'wrong']], stored: [1, 2, 3] },
  { says: 'an earlier revision that runs past the end is wrong', steps: [[NO_STREAM, [1, 2], 1], [0n, [2, 3], 'wrong']], stored: [1, 2] },
  { says: 'an earlier revision without events is wrong', steps: [[NO_STREAM, [1, 2], 1], [0n, [], 'wrong']], stored: [1, 2] },
  { says: 'a later revision is wrong', steps: [[NO_STREAM, [1], 0], [1n, [2], 'wrong'], [5n, [2], 'wrong']], stored: [1] },
  { says: 'the current revision writes even ids that are stored', steps: [[NO_STREAM, [1], 0], [0n, [1], 1]], stored: [1, 1] },
  { says: 'NO_STREAM writes again after a soft delete, and revisions go on', steps: [[NO_STREAM, [1, 2], 1], 'soft delete', [NO_STREAM, [3], 2]], stored: [3] },
  { says: 'NO_STREAM with the first id stored is a repeat even after a soft delete', steps: [[NO_STREAM, [1, 2], 1], 'soft delete', [NO_STREAM, [1], 0]], stored: undefined },
  { says: 'ANY writes again after a soft delete', steps: [[NO_STREAM, [1], 0], 'soft delete', [ANY, [2], 1], [1n, [3], 2]], stored: [2, 3] },
  { says: 'the exact revision writes again after a soft delete', steps: [[NO_STREAM, [1], 0], 'soft delete', [0n, [2], 1]], stored: [2] },
  { says: 'ANY with an id stored twice is a repeat of the first', steps: [[ANY, [1], 0], [0n, [2, 1], 2], [ANY, [1], 0]], stored: [1, 2, 1] },
  { says: 'ANY with a known id is a repeat even after a soft delete', steps: [[ANY, [1, 2], 1], 'soft delete', [ANY, [2], 1]], stored: undefined },
  { says: 'ANY writes to a stream that had only metadata and was deleted', steps: ['metadata', 'soft delete', [ANY, [1], 0]], stored: [1] },
  { says: 'an empty append brings a deleted stream back', steps: [[ANY, [1], 0], 'soft delete', [ANY, [], 0], [0n, [2], 1]], stored: [2] },
  { says: 'an empty append with ANY to a missing stream answers 0 and writes nothing', steps: [[ANY, [], 0]], stored: undefined },
  // Sequences of the public suite's kind: S stands for several events of one append.
  { says: '0em1 1e0 2e1 0em1: the first again is a repeat', steps: [[NO_STREAM, [0], 0], [0n, [1], 1], [1n, [2], 2], [NO_STREAM, [0], 0]], stored: [0, 1, 2] },
  { says: '0em1 1e0 2e1 0any: the first again with ANY is a repeat', steps: [[NO_STREAM, [0], 0], [0n, [1], 1], [1n, [2], 2], [ANY, [0], 0]], stored: [0, 1, 2] },
  { says: '0em1 1e0 2e1 0e2: at the end the old id is written anew', steps: [[NO_STREAM, [0], 0], [0n, [1], 1], [1n, [2], 2], [2n, [0], 3]], stored: [0, 1, 2, 0] },
  { says: '0em1 1e0 2e1 0e4: beyond the end is wrong', steps: [[NO_STREAM, [0], 0], [0n, [1], 1], [1n, [2], 2], [4n, [0], 'wrong']], stored: [0, 1, 2] },
  { says: '0em1 1e0 0e0: not the id stored at 1 is wrong', steps: [[NO_STREAM, [0], 0], [0n, [1], 1], [0n, [0], 'wrong']], stored: [0, 1] },
  { says: 'S 0em1 1em1 E S 0em1 1em1 2em1 E: more than was sent is wrong', steps: [[NO_STREAM, [0, 1], 1], [NO_STREAM, [0, 1, 2], 'wrong']], stored: [0, 1] },
  { says: 'S 0em1 1em1 2em1 E 1e0: one of several again is a repeat', steps: [[NO_STREAM, [0, 1, 2], 2], [0n, [1], 1]], stored: [0, 1, 2] },
];

describe.each(WAYS)('the idempotency table, %s', (way) => {
  const fixture = new Fixture();
  beforeAll(() => fixture.start());
  afterAll(() => fixture.remove());

  it.each(ROWS.map((row) => [row.says, row] as const))('%s', async (says, row) => {
    const stream = `${way}-${says}`;
    const { client } = fixture;
    for (const step of row.steps) {
      if (step === 'soft delete') await client.deleteStream(stream);
      else if (step === 'tombstone') await client.tombstoneStream(stream);
      else if (step === 'metadata') await client.setStreamMetadata(stream, { owner: 'someone' });
      else expect(await append(client, way, { stream, expected: step[0], events: step[1].map((n) => event(n)) })).toEqual(step[2]);
    }
    if (row.stored === 'deleted') await expect(readIds(client, stream)).rejects.toMatchObject({ type: 'stream-deleted', streamName: stream });
    else expect(await readIds(client, stream)).toEqual(row.stored);
  });

  it('the same id in another stream is independent', async () => {
    const { client } = fixture;
    expect(await append(client, way, { stream: `${way}-one`, expected: ANY, events: [event(1)] })).toBe(0);
    expect(await append(client, way, { stream: `${way}-two`, expected: ANY, events: [event(1)] })).toBe(0);
    expect(await append(client, way, { stream: `${way}-one`, expected: ANY, events: [event(1)] })).toBe(0);
    expect(await readIds(client, `${way}-one`)).toEqual([1]);
    expect(await readIds(client, `${way}-two`)).toEqual([1]);
  });

  it('a repeat at an exact revision is known after a restart', async () => {
    const at = { stream: `${way}-durable`, expected: NO_STREAM, events: [event(1), event(2)] } as const;
    expect(await append(fixture.client, way, at)).toBe(1);
    await fixture.restart();
    expect(await append(fixture.client, way, at)).toBe(1);
    expect(await readIds(fixture.client, `${way}-durable`)).toEqual([1, 2]);
  });

  it('a repeat answers with the position of the event sent again', async () => {
    const stream = `${way}-position`;
    const credentials = way === 'unary' ? { credentials: { username: 'any', password: 'any' } } : {};
    const first = await fixture.client.appendToStream(stream, [event(1)], { expectedRevision: NO_STREAM, ...credentials });
    await fixture.client.appendToStream(stream, [event(2)], { expectedRevision: 0n, ...credentials });
    const again = await fixture.client.appendToStream(stream, [event(1)], { expectedRevision: NO_STREAM, ...credentials });
    expect(again.position).toEqual(first.position);
    expect(again.nextExpectedRevision).toBe(0n);
  });

  it('a repeat of an event that is not shown any more has no position', async () => {
    const stream = `${way}-hidden`;
    const at = { stream, expected: NO_STREAM, events: [event(1), event(2)] } as const;
    const credentials = way === 'unary' ? { credentials: { username: 'any', password: 'any' } } : {};
    expect(await append(fixture.client, way, at)).toBe(1);
    await fixture.client.setStreamMetadata(stream, { truncateBefore: 1 });
    const cut = await fixture.client.appendToStream(stream, [event(1)], { expectedRevision: NO_STREAM, ...credentials });
    expect(cut).toMatchObject({ success: true, nextExpectedRevision: 0n });
    expect(cut.position).toBeUndefined();
    await fixture.client.deleteStream(stream);
    expect((await fixture.client.appendToStream(stream, [...at.events], { expectedRevision: NO_STREAM, ...credentials })).position).toBeUndefined();
  });

  it('exactly one of 50 appends that race for one revision wins', async () => {
    const stream = `${way}-race`;
    for (let revision = -1; revision < 5; revision++) {
      const expected = revision < 0 ? NO_STREAM : BigInt(revision);
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, () => append(fixture.client, way, { stream, expected, events: [jsonEvent({ type: 'Race', data: {} })] })),
      );
      expect(outcomes.filter((o) => o === revision + 1)).toHaveLength(1);
      expect(outcomes.filter((o) => o === 'wrong')).toHaveLength(49);
    }
  });
});
