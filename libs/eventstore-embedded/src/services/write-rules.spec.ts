import { describe, expect, it } from '@jest/globals';
import type { Caller } from '../grpc/access.ts';
import { WriteRules, isTruncating } from './write-rules.ts';

const withUsers = new WriteRules({ protectedPrefixes: ['order-', 'kill'], hasUsers: true });
const withoutUsers = new WriteRules({ protectedPrefixes: ['order-', 'kill'], hasUsers: false });

type Ask = 'mayAppend' | 'mayDelete' | 'guardsMetadata';
const ask = (rules: WriteRules, what: Ask, caller: Caller, name: string): boolean => rules[what](caller, Buffer.from(name));

describe('who may write what, with users', () => {
  it.each<[string, Caller, string, boolean, boolean, boolean]>([
    // what, caller, stream, may append, may delete, must its metadata be looked at
    ['an ordinary stream', 'service', 'notes-1', true, true, false],
    ['its metadata', 'service', '$$notes-1', true, true, false],
    ['a protected stream', 'service', 'order-1', true, false, false],
    ['its metadata', 'service', '$$order-1', true, false, true],
    ['the metadata of its metadata', 'service', '$$$$order-1', true, false, true],
    ['a protected stream by its whole name', 'service', 'kill', true, false, false],
    ['its metadata', 'service', '$$kill', true, false, true],
    ['a name that only begins alike', 'service', 'orders', true, true, false],
    ['a protected stream', 'anonymous', 'order-1', true, false, false],
    ['its metadata', 'anonymous', '$$order-1', true, false, true],
    ['a system stream', 'service', '$settings', false, false, false],
    ['its metadata', 'service', '$$$settings', false, false, false],
    ['a system stream', 'anonymous', '$settings', false, false, false],
    ['a system stream', 'admin', '$settings', true, true, false],
    ['a protected stream', 'admin', 'order-1', true, true, false],
    ['its metadata', 'admin', '$$order-1', true, true, false],
    ['the log of all streams', 'admin', '$all', false, false, false],
    ['an ordinary stream', 'read', 'notes-1', false, false, false],
    ['a protected stream', 'read', 'order-1', false, false, false],
    ['metadata', 'read', '$$notes-1', false, false, false],
  ])('%s, for %s: %s', (_, caller, name, append, remove, guarded) => {
    expect(ask(withUsers, 'mayAppend', caller, name)).toBe(append);
    expect(ask(withUsers, 'mayDelete', caller, name)).toBe(remove);
    if (append) expect(ask(withUsers, 'guardsMetadata', caller, name)).toBe(guarded);
  });
});

describe('who may write what, without users', () => {
  it('system streams are open, protected ones are not', () => {
    expect(ask(withoutUsers, 'mayAppend', 'anonymous', '$settings')).toBe(true);
    expect(ask(withoutUsers, 'mayAppend', 'anonymous', '$all')).toBe(false);
    expect(ask(withoutUsers, 'mayDelete', 'anonymous', 'order-1')).toBe(false);
    expect(ask(withoutUsers, 'guardsMetadata', 'anonymous', '$$order-1')).toBe(true);
  });
});

describe('metadata that hides events', () => {
  it.each(['{"$maxCount":1}', '{"owner":"a","$maxAge":1}', '{"$tb":0}', '{"$acl":{}}', '{"\\u0024tb":5}', '{"$tb":"not a number"}', '{"$tb":1,"$tb":null}'])('is %s', (json) => {
    expect(isTruncating(Buffer.from(json))).toBe(true);
  });

  it.each(['{}', '{"owner":"a"}', '{"nested":{"$tb":1}}', '[{"$tb":1}]', 'null', '"$tb"', 'not json', ''])('is not %s', (json) => {
    expect(isTruncating(Buffer.from(json))).toBe(false);
  });
});
