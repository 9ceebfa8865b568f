/** Bytes that a non-negative safe integer takes as a varint. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
}

/** Writes a non-negative safe integer; returns the offset after it. */
export function writeVarint(into: Buffer, at: number, value: number): number {
  let rest = value;
  let offset = at;
  while (rest >= 0x80) {
    into[offset] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
    offset += 1;
  }
  into[offset] = rest;
  return offset + 1;
}

/** The rest builds small messages out of parts, for requests that are not on a hot path. */
export function varintField(field: number, value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from([...tagBytes(field, 0), ...bytes]);
}

export function bytesField(field: number, content: Uint8Array): Buffer {
  const head = tagBytes(field, 2);
  const buffer = Buffer.allocUnsafe(head.length + varintSize(content.length) + content.length);
  buffer.set(head, 0);
  buffer.set(content, writeVarint(buffer, head.length, content.length));
  return buffer;
}

export const textField = (field: number, text: string): Buffer => bytesField(field, Buffer.from(text, 'utf8'));

export const messageField = (field: number, ...parts: readonly Uint8Array[]): Buffer => bytesField(field, Buffer.concat(parts));

function tagBytes(field: number, wireType: number): number[] {
  const tag = field * 8 + wireType;
  return tag < 0x80 ? [tag] : [(tag & 0x7f) | 0x80, tag >>> 7];
}
