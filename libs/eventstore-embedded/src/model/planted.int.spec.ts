import { describe, expect, it } from '@jest/globals';
import { connectTestAdapter } from '@tallystick/testing';
import { localHost } from '../../test/model/host.ts';
import { Model } from '../../test/model/model.ts';
import type { AllRead, Expected, Outcome, SentEvent, StoredEvent, StreamRead, Shown } from '../../test/model/model.ts';
import { runModel } from '../../test/model/run.ts';

/** What a backward read of all streams would be if its position were included. */
class BackwardInclusive extends Model {
  override readAll(read: AllRead): StoredEvent[] {
    return super.readAll(read.backwards && typeof read.from === 'number' ? { ...read, from: read.from + 1 } : read);
  }
}

/** A store that writes a repeat at an earlier revision again. */
class ForgetsRepeats extends Model {
  override append(stream: string, expected: Expected, events: readonly SentEvent[]): Outcome {
    const outcome = this.copy().appendTruly(stream, expected, events);
    const isExact = expected !== 'any' && expected !== 'stream_exists';
    return this.appendTruly(stream, isExact && outcome.kind === 'ok' && outcome.repeated !== undefined ? this.last(stream) : expected, events);
  }

  appendTruly(stream: string, expected: Expected, events: readonly SentEvent[]): Outcome {
    return super.append(stream, expected, events);
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

/** A store that loses the last of several events of one append. */
class LosesTheLast extends Model {
  override append(stream: string, expected: Expected, events: readonly SentEvent[]): Outcome {
    const outcome = super.append(stream, expected, events);
    if (events.length > 3 && outcome.kind === 'ok' && outcome.repeated === undefined) this.log.pop();
    return outcome;
  }
}

/** A store that counts a limit from the wrong end. */
class ReadsFromTheEnd extends Model {
  override readStream(stream: string, read: StreamRead): Shown {
    const all = super.readStream(stream, { ...read, limit: Infinity });
    return all.kind === 'present' ? { ...all, events: all.events.slice(-read.limit) } : all;
  }
}

/** Fixed: what is shown here is that a difference is found and made small, the same one every time. */
const SEED = 7;
const RUNS_MAX = 60;

describe('a model that is wrong in one way', () => {
  it.each([
    ['reads backwards from its position', BackwardInclusive, /^read all/, 2],
    ['writes what was written before', ForgetsRepeats, /^(repeat|append)/, 4],
    ['remembers over a restart', RemembersForEver, /^repeat|^append/, 5],
    ['shows an event too many', ShowsOneMore, /./, 5],
    ['loses an event', LosesTheLast, /^append/, 1],
    ['takes a limit from the wrong end', ReadsFromTheEnd, /^read/, 2],
  ] as const)('%s: is found, and shrunk to what shows it', async (_, Planted, last, commandsMax) => {
    const { failure } = await runModel({
      openHost: localHost, connectAdapter: connectTestAdapter, seed: SEED, runs: RUNS_MAX, commandsMax: 40, makeModel: (log) => new Planted(log),
    });
    expect(failure?.commands.at(-1)).toMatch(last);
    expect(failure?.commands.length).toBeLessThanOrEqual(commandsMax);
  });
});
