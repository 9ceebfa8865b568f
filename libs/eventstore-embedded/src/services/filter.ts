import { setFlagsFromString } from 'node:v8';
import type { LogRecord } from '../log/record.ts';
import { BadRequest } from '../wire/append-codec.ts';
import type { FilterRequest } from '../wire/read-codec.ts';

/** The engine takes some 20 ns for each character of the text times each of the pattern; no sensible filter comes near. */
const REGEX_CHARS_MAX = 256;
/** It allows counted repetition up to 16, so one name costs 40 ms at the very most. Longer ones are matched by their beginning. */
const REGEX_TEXT_BYTES_MAX = 512;
/** As many as there are categories, many times over; each is one comparison an event. */
const PREFIXES_MAX = 1_000;
const PREFIXES_QUICK_MAX = 32;
/** What a read or subscription considers before others get a turn. */
const TURN_EVENTS = 1_000;
const TURN_MS = 5;

// Makes the flag `l` known: V8's engine that runs in time linear to the text, so that no client's pattern can stall the server.
setFlagsFromString('--enable-experimental-regexp-engine');

export interface EventFilter {
  readonly on: 'stream' | 'type';
  /** Can one event take long enough that the clock must be asked after each. */
  readonly isSlow: boolean;
  /** Does the name or type `buf[from, to)` pass. */
  passes(buf: Buffer, from: number, to: number): boolean;
}

/** Throws `BadRequest` for an expression that is not valid, too long, or needs more than linear time (look-ahead, back references). */
export function compileFilter(request: FilterRequest): EventFilter {
  const { on, regex, prefixes } = request;
  if (prefixes.length > PREFIXES_MAX) throw new BadRequest(`more than ${PREFIXES_MAX} prefixes`);
  if (regex === undefined) {
    return { on, isSlow: prefixes.length > PREFIXES_QUICK_MAX, passes: (buf, from, to) => prefixes.some((p) => to - from >= p.length && buf.compare(p, 0, p.length, from, from + p.length) === 0) };
  }
  const pattern = compileRegex(regex);
  return { on, isSlow: true, passes: (buf, from, to) => pattern.test(buf.toString('utf8', from, Math.min(to, from + REGEX_TEXT_BYTES_MAX))) };
}

function compileRegex(source: string): RegExp {
  if (source.length > REGEX_CHARS_MAX) throw new BadRequest(`the regular expression is longer than ${REGEX_CHARS_MAX} characters`);
  try {
    return new RegExp(source, 'l');
  } catch (error) {
    throw new BadRequest(error instanceof Error ? error.message : 'the regular expression is not valid');
  }
}

/** Does the event at `index` of the record pass. */
export function passesFilter(filter: EventFilter | undefined, record: LogRecord, index: number): boolean {
  if (filter === undefined) return true;
  if (filter.on === 'stream') {
    const name = record.name;
    return filter.passes(name, 0, name.length);
  }
  const view = record.event(index);
  return filter.passes(view.buf, view.typeAt, view.dataAt);
}

/** Says when a loop over events has gone on long enough without letting others work. */
export class Turn {
  private readonly isSlow: boolean;
  private considered = 0;
  private untilMs = 0;

  constructor(filter: EventFilter | undefined) {
    this.isSlow = filter?.isSlow ?? false;
  }

  begin(): void {
    this.considered = 0;
    if (this.isSlow) this.untilMs = performance.now() + TURN_MS;
  }

  /** Call once for each event. */
  isOver(): boolean {
    return ++this.considered >= TURN_EVENTS || (this.isSlow && performance.now() >= this.untilMs);
  }
}
