import { basename } from 'node:path';

/** One system call of the server, as strace wrote it down. */
export interface Call {
  readonly name: string;
  /** Name of the file that its descriptor stands for; empty for those without one. */
  readonly file: string;
  /** Of a write: the first bytes, where they went, and how many were meant. */
  readonly data: Buffer;
  readonly length: number;
  readonly offset: number;
  /** Lines at which it began and at which it was over: calls of several threads overlap. */
  readonly beganAt: number;
  readonly endedAt: number;
  /** Absent: it never returned. */
  readonly result?: number;
  /** `EIO` */
  readonly error?: string;
  readonly injected: boolean;
}

export interface Trace {
  readonly calls: readonly Call[];
  /** The whole process has ended, and its tracer has written all it had. */
  readonly ended: boolean;
}

const WHOLE = /^(\d+)\s+(\w+)\((.*)\)\s+= (\?|-?\d+)(.*)$/;
const BEGUN = /^(\d+)\s+(\w+)\((.*?)\s*<unfinished \.\.\.>$/;
const RESUMED = /^(\d+)\s+<\.\.\. (\w+) resumed>(.*)\)\s+= (\?|-?\d+)(.*)$/;
const ENDED = /^(\d+)\s+\+\+\+ (exited|killed)/;

const bytesOf = (escaped: string): Buffer => Buffer.from(escaped.replaceAll('\\x', ''), 'hex');

interface Parts {
  readonly name: string;
  readonly args: string;
  readonly beganAt: number;
  readonly endedAt: number;
  readonly result?: string;
  readonly rest?: string;
}

const callOf = ({ name, args, beganAt, endedAt, result = '?', rest = '' }: Parts): Call => {
  const file = /^\d+<((?:\\x[0-9a-f]{2})*)>/.exec(args)?.[1] ?? '';
  const written = /"((?:\\x[0-9a-f]{2})*)"(?:\.\.\.)?, (\d+)(?:, (\d+))?$/.exec(args);
  const cut = /, (\d+)$/.exec(args);
  const error = /^ (E[A-Z0-9]+)/.exec(rest)?.[1];
  return {
    name, file: basename(bytesOf(file).toString('utf8')), data: bytesOf(written?.[1] ?? ''), length: Number(written?.[2] ?? cut?.[1] ?? 0), offset: Number(written?.[3] ?? 0), beganAt, endedAt,
    ...(result !== '?' && { result: Number(result) }), ...(error !== undefined && { error }), injected: rest.includes('(INJECTED)'),
  };
};

/** Reads what `strace -f -y -xx` wrote. `pid` is the process whose end is the end of all. */
export const parseTrace = (text: string, pid: number): Trace => {
  const calls: Call[] = [];
  const open = new Map<string, Parts>();
  let ended = false;
  for (const [at, line] of text.split('\n').entries()) {
    const whole = WHOLE.exec(line);
    const begun = whole ? null : BEGUN.exec(line);
    const resumed = whole || begun ? null : RESUMED.exec(line);
    if (whole) calls.push(callOf({ name: whole[2] ?? '', args: whole[3] ?? '', beganAt: at, endedAt: at, result: whole[4] ?? '?', rest: whole[5] ?? '' }));
    else if (begun) open.set(begun[1] ?? '', { name: begun[2] ?? '', args: begun[3] ?? '', beganAt: at, endedAt: Infinity });
    else if (resumed) {
      const first = open.get(resumed[1] ?? '');
      open.delete(resumed[1] ?? '');
      if (first) calls.push(callOf({ ...first, args: `${first.args}${(resumed[3] ?? '').trim()}`, endedAt: at, result: resumed[4] ?? '?', rest: resumed[5] ?? '' }));
    } else if (ENDED.exec(line)?.[1] === String(pid)) ended = true;
  }
  for (const parts of open.values()) calls.push(callOf(parts));
  return { calls: calls.sort((a, b) => a.beganAt - b.beganAt), ended };
};

/** The call at which a signal was injected: the one that never returned. */
export const diedAt = ({ calls }: Trace, name: string): Call | undefined => calls.findLast((call) => call.name === name && call.result === undefined);
