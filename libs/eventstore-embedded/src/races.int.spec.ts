import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NO_STREAM, STREAM_EXISTS, jsonEvent } from '@eventstore/db-client';
import type { AppendExpectedRevision } from '@eventstore/db-client';
import { Fixture, append, readIds } from '../test/support.ts';
import type { Outcome, Way } from '../test/support.ts';

const fixture = new Fixture();
beforeAll(() => fixture.start());
afterAll(() => fixture.remove());

const RACERS = 32;

/** Every second one by the other way, each with an event of its own. */
function race(stream: string, expected: AppendExpectedRevision): Promise<Outcome[]> {
  return Promise.all(
    Array.from({ length: RACERS }, (_, n) => {
      const way: Way = n % 2 === 0 ? 'batch' : 'unary';
      return append(fixture.client, way, { stream, expected, events: [jsonEvent({ type: 'Raced', data: { n } })] });
    }),
  );
}

describe('32 appends that expect one revision, by both ways at once', () => {
  it('have exactly one winner each time, from the beginning of a stream on', async () => {
    for (let round = 0; round < 10; round++) {
      for (let revision = -1; revision < 8; revision++) {
        const outcomes = await race(`race-${round}`, revision < 0 ? NO_STREAM : BigInt(revision));
        expect(outcomes.filter((outcome) => outcome === revision + 1)).toHaveLength(1);
        expect(outcomes.filter((outcome) => outcome === 'wrong')).toHaveLength(RACERS - 1);
      }
      const stored = await readIds(fixture.client, `race-${round}`);
      expect(stored).toHaveLength(9);
    }
  });

  it('against a delete: what wins is what the log says', async () => {
    for (let round = 0; round < 10; round++) {
      const stream = `deleted-race-${round}`;
      await fixture.client.appendToStream(stream, jsonEvent({ type: 'First', data: {} }));
      const deleting = fixture.client.deleteStream(stream, { expectedRevision: 0n }).then(() => 'deleted', () => 'refused');
      const outcomes = await race(stream, 0n);
      const taken = outcomes.filter((outcome) => outcome === 1).length;
      expect(taken).toBe(1);
      // Before the append, the delete is followed by a revival; after it, it expects too little.
      const shown = await readIds(fixture.client, stream);
      expect(shown).toHaveLength((await deleting) === 'deleted' ? 1 : 2);
    }
  });

  it('against a tombstone: nothing is appended behind it', async () => {
    for (let round = 0; round < 10; round++) {
      const stream = `tombstone-race-${round}`;
      await fixture.client.appendToStream(stream, jsonEvent({ type: 'First', data: {} }));
      const tombstone = fixture.client.tombstoneStream(stream);
      const outcomes = await race(stream, STREAM_EXISTS);
      await tombstone;
      const revisions = outcomes.filter((outcome) => typeof outcome === 'number').sort((a, b) => a - b);
      expect(revisions).toEqual(Array.from({ length: revisions.length }, (_, n) => n + 1));
      expect(outcomes.filter((outcome) => outcome === 'deleted')).toHaveLength(RACERS - revisions.length);
      await expect(readIds(fixture.client, stream)).rejects.toMatchObject({ type: 'stream-deleted' });
      const kept: string[] = [];
      for await (const { event } of fixture.client.readAll()) if (event!.streamId === stream) kept.push(event!.type);
      expect(kept).toEqual(['First', ...revisions.map(() => 'Raced'), '$streamDeleted']);
    }
  });
});
