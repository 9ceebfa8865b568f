import { describe, expect, it } from '@jest/globals';
import { connectTestAdapter } from '@tallystick/testing';
import { localHost } from '../../test/model/host.ts';
import { Model } from '../../test/model/model.ts';
import type { AllRead, StoredEvent, Shown } from '../../test/model/model.ts';
import { runModel } from '../../test/model/run.ts';

/** What a backward read of all streams would be if its position were included. */
class BackwardInclusive extends Model {
  override readAll(read: AllRead): StoredEvent[] {
    return super.readAll(read.backwards && typeof read.from === 'number' ? { ...read, from: read.from + 1 } : read);
  }
}

/** A store whose memory for ANY outlives a restart. */
class RemembersForEver extends Model {
  override restart(): void {
    // Nothing is forgotten.
  }
}

/** A store that shows one event too many of a stream with a limit. */
class ShowsOneMore extends Model {
  override shown(stream: string): Shown {
    const shown = super.shown(stream);
    const first = shown.kind === 'present' ? shown.events[0]?.revision : undefined;
    if (shown.kind !== 'present' || first === undefined || first === 0 || stream.startsWith('$$')) return shown;
    return { ...shown, events: [this.eventsOf(stream)[first - 1]!, ...shown.events] };
  }
}

/** Fixed: what is shown here is that a difference is found and made small, the same one every time. */
const SEED = 7;
const RUNS_MAX = 60;

describe('a model that is wrong in one way', () => {
  it.each([
    ['reads backwards from its position', BackwardInclusive, /^read all/, 2],
    ['remembers over a restart', RemembersForEver, /^repeat|^append/, 5],
    ['shows an event too many', ShowsOneMore, /./, 5],
  ] as const)('%s: is found, and shrunk to what shows it', async (_, Planted, last, commandsMax) => {
    const { failure } = await runModel({
      openHost: localHost, connectAdapter: connectTestAdapter, seed: SEED, runs: RUNS_MAX, commandsMax: 40, makeModel: (log) => new Planted(log),
    });
    expect(failure?.commands.at(-1)).toMatch(last);
    expect(failure?.commands.length).toBeLessThanOrEqual(commandsMax);
  });
});
