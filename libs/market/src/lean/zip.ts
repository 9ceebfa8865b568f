import { crc32, inflateRawSync } from 'node:zlib';

/**
 * The little of ZIP that data files use. LEAN's own writer states sizes in ZIP64 fields without a ZIP64 directory, which general
 * readers take for 4 GiB; here the extra field counts wherever it is.
 */
export interface ZipEntry {
  readonly name: string;
  readonly size: number;
  /** Unpacks and checks the entry; throws an Error that says what is wrong with it. */
  readonly read: (bytesMax: number) => Buffer;
}

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const COMMENT_BYTES_MAX = 65_535;
const ZIP64_EXTRA = 1;
const IN_EXTRA = 0xffffffff;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 1;

const endOf = (zip: Buffer): number => {
  for (let at = zip.length - END_BYTES; at >= 0 && zip.length - at <= END_BYTES + COMMENT_BYTES_MAX; at -= 1) {
    if (zip.readUInt32LE(at) === END) return at;
  }
  throw new Error('it has no zip directory');
};

/** 64-bit values of the extra field, in the order in which the header leaves them open. */
const wide = (extra: Buffer, values: readonly number[]): readonly number[] => {
  let at = 0;
  while (at + 4 <= extra.length && extra.readUInt16LE(at) !== ZIP64_EXTRA) at += 4 + extra.readUInt16LE(at + 2);
  at += 4;
  return values.map((value) => {
    if (value !== IN_EXTRA) return value;
    const stated = Number(extra.readBigUInt64LE(at));
    at += 8;
    return stated;
  });
};

const unpackEntry = (zip: Buffer, entry: { offset: number; packed: number; size: number; method: number; crc: number }, bytesMax: number): Buffer => {
  if (entry.size > bytesMax) throw new Error(`it unpacks to ${entry.size} bytes, more than ${bytesMax}`);
  if (zip.readUInt32LE(entry.offset) !== LOCAL) throw new Error('its directory points nowhere');
  const from = entry.offset + 30 + zip.readUInt16LE(entry.offset + 26) + zip.readUInt16LE(entry.offset + 28);
  const packed = zip.subarray(from, from + entry.packed);
  if (packed.length < entry.packed) throw new Error('it is cut short');
  const bytes = entry.method === STORED ? packed : inflateRawSync(packed, { maxOutputLength: Math.max(entry.size, 1) });
  if (bytes.length !== entry.size || crc32(bytes) !== entry.crc) throw new Error('its checksum is wrong');
  return bytes;
};

/** Entries of a zip held in memory. Throws an Error that says what is wrong with it. */
export const zipEntries = (zip: Buffer): readonly ZipEntry[] => {
  const end = endOf(zip);
  const count = zip.readUInt16LE(end + 10);
  let at = zip.readUInt32LE(end + 16);
  const entries: ZipEntry[] = [];
  for (let n = 0; n < count; n += 1) {
    if (zip.readUInt32LE(at) !== CENTRAL) throw new Error('its directory is damaged');
    const nameBytes = zip.readUInt16LE(at + 28);
    const extraBytes = zip.readUInt16LE(at + 30);
    const name = zip.toString('utf8', at + 46, at + 46 + nameBytes);
    const extra = zip.subarray(at + 46 + nameBytes, at + 46 + nameBytes + extraBytes);
    const [size = 0, packed = 0, offset = 0] = wide(extra, [zip.readUInt32LE(at + 24), zip.readUInt32LE(at + 20), zip.readUInt32LE(at + 42)]);
    const method = zip.readUInt16LE(at + 10);
    const crc = zip.readUInt32LE(at + 16);
    const encrypted = (zip.readUInt16LE(at + 8) & ENCRYPTED) !== 0;
    at += 46 + nameBytes + extraBytes + zip.readUInt16LE(at + 32);
    const read = (bytesMax: number): Buffer => {
      if (encrypted) throw new Error('it is encrypted');
      if (method !== STORED && method !== DEFLATED) throw new Error(`it is packed by method ${method}, which is not deflate`);
      return unpackEntry(zip, { offset, packed, size, method, crc }, bytesMax);
    };
    entries.push({ name, size, read });
  }
  return entries;
};
