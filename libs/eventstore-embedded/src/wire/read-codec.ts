import { BadRequest, checkedName, decodeStreamIdentifier, encodeStreamIdentifier, frame } from './append-codec.ts';
import { EMPTY, ProtoReader, ProtoWriter } from './proto.ts';

/** Where to begin: a revision of a stream or a position of the log, as `value`. */
export type From = { readonly kind: 'start' } | { readonly kind: 'end' } | { readonly kind: 'at'; readonly value: number };

export interface FilterRequest {
  readonly on: 'stream' | 'type';
  readonly regex: string | undefined;
  readonly prefixes: readonly Buffer[];
  /** Events considered per search window; absent means the default. */
  readonly windowMax: number | undefined;
  readonly checkpointMultiplier: number;
}

export interface ReadRequest {
  /** Absent: the log of all streams. */
  readonly stream: Buffer | undefined;
  readonly from: From;
  readonly backwards: boolean;
  readonly resolveLinks: boolean;
  /** Absent: a subscription. */
  readonly count: number | undefined;
  readonly filter: FilterRequest | undefined;
  readonly structuredIds: boolean;
}

export function decodeReadRequest(message: Buffer): ReadRequest {
  const outer = new ProtoReader(message);
  let options: Buffer = EMPTY;
  for (let field = outer.next(); field !== 0; field = outer.next()) {
    if (field === 1) options = outer.bytes();
    else outer.skip();
  }
  const reader = new ProtoReader(options);
  let stream: Buffer | undefined;
  let from: From | undefined;
  let backwards = false;
  let resolveLinks = false;
  let count: number | undefined;
  let subscribes = false;
  let filter: FilterRequest | undefined;
  let structuredIds = true;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) ({ stream, from } = decodeStreamOptions(reader.message()));
    else if (field === 2) from = decodeAllOptions(reader.message());
    else if (field === 3) backwards = reader.varint() === 1;
    else if (field === 4) resolveLinks = reader.varint() !== 0;
    else if (field === 5) count = reader.varint();
    else if (field === 7) filter = decodeFilter(reader.message());
    else if (field === 9) structuredIds = reader.message().next() !== 2;
    else {
      reader.skip();
      if (field === 6) subscribes = true;
    }
  }
  if (from === undefined) throw new BadRequest('neither a stream nor all streams were asked for');
  if (count === undefined && !subscribes) throw new BadRequest('neither a count nor a subscription was asked for');
  if (subscribes && backwards) throw new BadRequest('a subscription cannot go backwards');
  return { stream, from, backwards, resolveLinks, count: subscribes ? undefined : count, filter, structuredIds };
}

function decodeStreamOptions(reader: ProtoReader): { stream: Buffer; from: From } {
  let stream: Buffer = EMPTY;
  let from: From = { kind: 'start' };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) stream = decodeStreamIdentifier(reader.bytes());
    else if (field === 2) from = { kind: 'at', value: reader.varint() };
    else {
      reader.skip();
      if (field === 4) from = { kind: 'end' };
    }
  }
  return { stream: checkedName(stream), from };
}

function decodeAllOptions(reader: ProtoReader): From {
  let from: From = { kind: 'start' };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) from = { kind: 'at', value: decodeCommit(reader.message()) };
    else {
      reader.skip();
      if (field === 3) from = { kind: 'end' };
    }
  }
  return from;
}

function decodeCommit(reader: ProtoReader): number {
  let commit = 0;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) commit = reader.varint();
    else reader.skip();
  }
  return commit;
}

function decodeFilter(reader: ProtoReader): FilterRequest {
  let on: FilterRequest['on'] | undefined;
  let regex: string | undefined;
  const prefixes: Buffer[] = [];
  let windowMax: number | undefined;
  let checkpointMultiplier = 1;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1 || field === 2) {
      on = field === 1 ? 'stream' : 'type';
      const expression = reader.message();
      for (let inner = expression.next(); inner !== 0; inner = expression.next()) {
        if (inner === 1) regex = expression.string();
        else if (inner === 2) prefixes.push(expression.bytes());
        else expression.skip();
      }
    } else if (field === 3) windowMax = reader.varint();
    else if (field === 5) checkpointMultiplier = reader.varint();
    else reader.skip();
  }
  if (on === undefined) throw new BadRequest('the filter has no expression');
  if (checkpointMultiplier < 1) throw new BadRequest('the checkpoint interval multiplier must be at least 1');
  if (windowMax !== undefined && windowMax < 1) throw new BadRequest('the search window must be at least 1');
  return { on, regex: regex === '' ? undefined : regex, prefixes, windowMax, checkpointMultiplier };
}

export function encodeConfirmation(id: string): Buffer {
  return frame(new ProtoWriter().message(2, new ProtoWriter().string(1, id)).finish());
}

export function encodeCheckpoint(position: number): Buffer {
  return frame(new ProtoWriter().message(3, new ProtoWriter().uint(1, position).uint(2, position)).finish());
}

export function encodeStreamNotFound(name: Buffer): Buffer {
  return frame(new ProtoWriter().message(4, new ProtoWriter().message(1, encodeStreamIdentifier(name))).finish());
}

export const CAUGHT_UP_FRAME: Buffer = frame(new ProtoWriter().empty(8).finish());
