/** One spelling for a JSON value, written as bytes: most of what a service does with an event is to spell it, hash it and hand it on. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** A character of UTF-16 is at most three bytes of UTF-8, and at most six as an escape. */
const BYTES_PER_CHAR_MAX = 6;
const QUOTES_BYTES = 2;
const FIRST_BYTES = 64 * 1024;

/** Written over again by every value: what is kept is copied out, and a copy of the size needed is one allocation. */
let bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
let at = 0;

const room = (more: number): void => {
  if (at + more <= bytes.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.max(bytes.length * 2, at + more));
  bytes.copy(larger, 0, 0, at);
  bytes = larger;
};

const putByte = (byte: number): void => {
  room(1);
  bytes[at] = byte;
  at += 1;
};

const putPlain = (text: string): void => {
  room(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[at + i] = text.charCodeAt(i);
  at += text.length;
};

const putText = (text: string): void => {
  room(text.length * BYTES_PER_CHAR_MAX + QUOTES_BYTES);
  let to = at;
  bytes[to] = QUOTE;
  to += 1;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e || code === QUOTE || code === BACKSLASH) {
      // Nearly all text of events is plain ASCII; the rest is escaped as JSON.stringify does it.
      at += bytes.write(JSON.stringify(text), at, 'utf8');
      return;
    }
    bytes[to] = code;
    to += 1;
  }
  bytes[to] = QUOTE;
  at = to + 1;
};

/** Keys as objects have them, one after the other, down to the same keys in order. */
interface Shape {
  readonly next: Map<string, Shape>;
  sorted: readonly string[] | undefined;
}

/** Objects of the product have some hundreds of shapes; those whose keys are data (symbols, ids) are sorted each time once this many are known. */
const SHAPES_MAX = 10_000;
const shapes: Shape = { next: new Map(), sorted: undefined };
let shapesKnown = 0;

/** By code unit, which is the default order of sort. */
const inOrder = (keys: string[]): readonly string[] => {
  let shape = shapes;
  for (const key of keys) {
    let next = shape.next.get(key);
    if (next === undefined) {
      if (shapesKnown >= SHAPES_MAX) return keys.sort();
      shapesKnown += 1;
      next = { next: new Map(), sorted: undefined };
      shape.next.set(key, next);
    }
    shape = next;
  }
  return (shape.sorted ??= [...keys].sort());
};

const putList = (items: readonly unknown[], number: (value: number) => string): void => {
  putByte(OPEN_LIST);
  let first = true;
  for (const item of items) {
    if (!first) putByte(COMMA);
    first = false;
    put(item ?? null, number);
  }
  putByte(CLOSE_LIST);
};

const putObject = (value: object, number: (value: number) => string): void => {
  putByte(OPEN_OBJECT);
  let first = true;
  for (const key of inOrder(Object.keys(value))) {
    const member = (value as Readonly<Record<string, unknown>>)[key];
    if (member === undefined) continue;
    if (!first) putByte(COMMA);
    first = false;
    putText(key);
    putByte(COLON);
    put(member, number);
  }
  putByte(CLOSE_OBJECT);
};

const put = (value: unknown, number: (value: number) => string): void => {
  if (typeof value === 'string') putText(value);
  else if (typeof value === 'number') putPlain(number(value));
  else if (value === null || typeof value === 'boolean') putPlain(String(value));
  else if (Array.isArray(value)) putList(value as readonly unknown[], number);
  // What JSON.stringify would ask for another form (a Big, a Date) has no business in an event: its hash would not be that of what is read back.
  else if (typeof value !== 'object' || ('toJSON' in value && typeof value.toJSON === 'function')) throw new TypeError(`canonical JSON cannot hold a ${typeof value}`);
  else putObject(value, number);
};

/** Spells a value: keys sorted by code unit, no white space, `undefined` members left out, UTF-8. `number` spells a number or throws. */
export const spell = (value: unknown, number: (value: number) => string): Buffer => {
  at = 0;
  put(value, number);
  const spelled = Buffer.allocUnsafe(at);
  bytes.copy(spelled, 0, 0, at);
  return spelled;
};

/**
 * Parts, each after its length in bytes and a colon, so that no two lists of parts are the same bytes. What is given is good until the next
 * call: it is for hashing.
 */
export const tagged = (parts: readonly (string | Uint8Array)[]): Buffer => {
  at = 0;
  for (const part of parts) {
    if (typeof part === 'string') {
      const length = Buffer.byteLength(part);
      putPlain(String(length));
      putByte(COLON);
      room(length);
      at += bytes.write(part, at, 'utf8');
    } else {
      putPlain(String(part.length));
      putByte(COLON);
      room(part.length);
      bytes.set(part, at);
      at += part.length;
    }
  }
  return bytes.subarray(0, at);
};
