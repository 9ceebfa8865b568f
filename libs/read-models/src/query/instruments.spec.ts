import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InstrumentEvent } from '@tallystick/domain';
import { expect, it } from '@jest/globals';
import { projectInstrument } from '../project/references.ts';
import { ReadModelFile } from '../store/database.ts';
import { instrumentInFile } from './instruments.ts';

it('gives an instrument as it is listed last, and none that was never or is no longer', () => {
  const dir = mkdtempSync(join(tmpdir(), 'read-model-'));
  try {
    const path = join(dir, 'read-model.sqlite');
    const file = ReadModelFile.openToFold(path);
    const listed = (symbol: string, session: string): InstrumentEvent => ({ type: 'InstrumentListed', data: { symbol, venue: 'paper', currency: 'USD', tick_size: '0.01', lot_size: '1', session } });
    const events: readonly InstrumentEvent[] = [listed('SPY', 'always'), listed('IBM', 'us-equities'), listed('SPY', 'us-equities'), { type: 'InstrumentDelisted', data: { symbol: 'IBM', venue: 'paper', reason: 'merged' } }];
    for (const [i, event] of events.entries()) projectInstrument(file, event, { stream: 'instrument-paper', revision: i, position: BigInt(i), recordedAtMs: 0, id: String(i), type: event.type, data: {}, metadata: {} });
    file.close();
    expect([instrumentInFile(path, 'SPY')?.session, instrumentInFile(path, 'IBM'), instrumentInFile(path, 'XYZ')]).toEqual(['us-equities', undefined, undefined]);
    expect(() => instrumentInFile(join(dir, 'none.sqlite'), 'SPY')).toThrow();
  } finally {
    rmSync(dir, { recursive: true });
  }
});
