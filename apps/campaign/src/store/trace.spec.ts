import { describe, expect, it } from '@jest/globals';
import { diedAt, parseTrace } from './trace.ts';

const hex = (text: string): string => [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
const LOG = `24<${hex('/data/00000001.log')}>`;
const MARK = `23<${hex('/data/high-water-mark')}>`;

const TEXT = [
  `100  pwrite64(${LOG}, "${hex('abc')}"..., 759, 4096) = 759`,
  `101  fdatasync(${LOG} <unfinished ...>`,
  '100  writev(27<\\x73>, [{iov_base="\\x00", iov_len=9}], 1) = 9',
  '101  <... fdatasync resumed>)          = 0',
  `100  pwrite64(${MARK}, "${hex('mark')}", 48, 0) = 48`,
  `100  pwrite64(${LOG}, "", 10, 4855) = -1 ENOSPC (No space left on device) (INJECTED)`,
  `100  ftruncate(${LOG}, 4855) = 0`,
  `101  fdatasync(${LOG}) = -1 EIO (Input/output error) (INJECTED)`,
  '101  --- SIGTERM {si_signo=SIGTERM} ---',
  `101  fdatasync(${LOG} <unfinished ...>`,
  '101  <... fdatasync resumed>)          = ?',
  `100  fsync(${MARK} <unfinished ...>`,
  '101  +++ killed by SIGKILL +++',
  '',
].join('\n');

describe('a trace', () => {
  it('tells of each call what it was for, what it was given and how it ended', () => {
    const { calls } = parseTrace(TEXT, 100);
    expect(calls.map(({ name, file, length, offset, result, error, injected }) => ({ name, file, length, offset, result, error, injected }))).toMatchObject([
      { name: 'pwrite64', file: '00000001.log', length: 759, offset: 4096, result: 759, injected: false },
      { name: 'fdatasync', file: '00000001.log', result: 0 },
      { name: 'writev', result: 9 },
      { name: 'pwrite64', file: 'high-water-mark', length: 48, offset: 0, result: 48 },
      { name: 'pwrite64', file: '00000001.log', result: -1, error: 'ENOSPC', injected: true },
      { name: 'ftruncate', file: '00000001.log', length: 4855, result: 0 },
      { name: 'fdatasync', result: -1, error: 'EIO', injected: true },
      { name: 'fdatasync', file: '00000001.log', result: undefined },
      { name: 'fsync', file: 'high-water-mark', result: undefined },
    ]);
    expect(calls[0]?.data.toString()).toBe('abc');
  });

  it('keeps the order in which calls began, and tells when they were over', () => {
    const sync = parseTrace(TEXT, 100).calls[1];
    expect([sync?.beganAt, sync?.endedAt]).toEqual([1, 3]);
  });

  it('names the call at which the process died, and none where all returned', () => {
    const trace = parseTrace(TEXT, 100);
    expect(diedAt(trace, 'fdatasync')?.beganAt).toBe(9);
    expect(diedAt(trace, 'pwrite64')).toBeUndefined();
  });

  it('has ended when the process has, not when one of its threads has', () => {
    expect(parseTrace(TEXT, 100).ended).toBe(false);
    expect(parseTrace(`${TEXT}100  +++ exited with 74 +++\n`, 100).ended).toBe(true);
  });
});
