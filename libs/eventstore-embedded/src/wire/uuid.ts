import { ProtoReader, ProtoWriter } from './proto.ts';

const HEX = '0123456789abcdef';
const DIGIT = new Uint8Array(16).map((_, i) => HEX.charCodeAt(i));
const VALUE = new Int8Array(256).fill(-1);
for (let i = 0; i < 16; i++) {
  VALUE[HEX.charCodeAt(i)] = i;
  VALUE[HEX.toUpperCase().charCodeAt(i)] = i;
}
const DASH = 0x2d;

/** Writes the 36 characters of the UUID at `from` in `source`; gives the offset after them. */
export function putUuidText(buf: Buffer, at: number, source: Buffer, from: number): number {
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) buf[at++] = DASH;
    const byte = source[from + i]!;
    buf[at++] = DIGIT[byte >> 4]!;
    buf[at++] = DIGIT[byte & 15]!;
  }
  return at;
}

export function uuidText(id: Buffer): string {
  const text = Buffer.allocUnsafe(36);
  putUuidText(text, 0, id, 0);
  return text.toString('latin1');
}

/** 16 bytes from the text of a UUID, with dashes or without, in either case. Throws on anything else. */
export function parseUuid(text: Buffer): Buffer {
  const id = Buffer.allocUnsafe(16);
  let nibbles = 0;
  for (const byte of text) {
    if (byte === DASH) continue;
    const value = VALUE[byte]!;
    if (value < 0 || nibbles === 32) throw new Error('not a UUID');
    if ((nibbles & 1) === 0) id[nibbles >> 1] = value << 4;
    else id[nibbles >> 1] = id[nibbles >> 1]! | value;
    nibbles++;
  }
  if (nibbles !== 32) throw new Error('not a UUID');
  return id;
}

/** 16 bytes from the protocol's UUID message, text or two 64-bit halves. */
export function decodeUuid(message: Buffer): Buffer {
  const reader = new ProtoReader(message);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 2) return parseUuid(reader.bytes());
    if (field === 1) return decodeHalves(reader.message());
    reader.skip();
  }
  throw new Error('a UUID message without a value');
}

function decodeHalves(reader: ProtoReader): Buffer {
  const id = Buffer.alloc(16);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field !== 1 && field !== 2) {
      reader.skip();
      continue;
    }
    reader.varint();
    id.writeUInt32BE(reader.high, field === 1 ? 0 : 8);
    id.writeUInt32BE(reader.low, field === 1 ? 4 : 12);
  }
  return id;
}

export function encodeUuid(id: Buffer): ProtoWriter {
  return new ProtoWriter().string(2, uuidText(id));
}
