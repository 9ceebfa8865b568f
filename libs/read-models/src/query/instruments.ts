import type { Instrument } from '@tallystick/domain';
import { ReadModelFile } from '../store/database.ts';

/** The instrument as it is listed now, from the file of a read model, whether anything runs or not. Throws when the file cannot be read. */
export const instrumentInFile = (path: string, symbol: string): Instrument | undefined => {
  const file = ReadModelFile.openToRead(path);
  try {
    const row = file.get('SELECT listed, body FROM instruments WHERE symbol = ? ORDER BY position DESC LIMIT 1', symbol);
    return row?.['listed'] === 1 ? (JSON.parse(String(row['body'])) as Instrument) : undefined;
  } finally {
    file.close();
  }
};
