import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';

/** A zip of one entry, as LEAN's writer makes it (`zip64`: sizes in the extra field only) or plain. */
export const zipOf = (entry: string, text: string, { zip64 = false }: { zip64?: boolean } = {}): Buffer => {
  const bytes = Buffer.from(text);
  const packed = deflateRawSync(bytes);
  const name = Buffer.from(entry);
  const extra = Buffer.alloc(zip64 ? 20 : 0);
  if (zip64) {
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(16, 2);
    extra.writeBigUInt64LE(BigInt(bytes.length), 4);
    extra.writeBigUInt64LE(BigInt(packed.length), 12);
  }
  const common = Buffer.alloc(26);
  common.writeUInt16LE(8, 4);
  common.writeUInt32LE(crc32(bytes), 10);
  common.writeUInt32LE(zip64 ? 0xffffffff : packed.length, 14);
  common.writeUInt32LE(zip64 ? 0xffffffff : bytes.length, 18);
  common.writeUInt16LE(name.length, 22);
  common.writeUInt16LE(extra.length, 24);
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, name, extra, packed]);
  const rest = Buffer.alloc(14);
  const central = Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.alloc(2), common, rest, name, extra]);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
};

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'tally-market-'));

export const put = (dir: string, path: string, bytes: Buffer | string): string => {
  const file = join(dir, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  return file;
};

/** A flat file as in LEAN's samples: `spy_20131008_quote.zip` with its CSV. */
export const flat = (dir: string, { symbol, day, kind, rows, resolution = 'second', zip64 = true }: {
  symbol: string; day: string; kind: 'quote' | 'trade'; rows: readonly string[]; resolution?: string; zip64?: boolean;
}): string => put(dir, `${symbol}_${day}_${kind}.zip`, zipOf(`${day}_${symbol}_${resolution}_${kind}.csv`, rows.join('\n'), { zip64 }));
