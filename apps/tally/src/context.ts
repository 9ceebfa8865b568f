import type { Command, OptionValues } from 'commander';
import { Api } from './api.ts';
import { EXIT, usage } from './errors.ts';
import { Output, type Streams } from './output.ts';
import { readSettings, type GlobalFlags, type Settings } from './settings.ts';

/** What the process gives the program; tests give their own. */
export interface Surroundings {
  readonly streams: Streams;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readStdin(): Promise<string>;
  sleep(ms: number): Promise<void>;
  uuid(): string;
  nowMs(): number;
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
}

export interface Context {
  readonly out: Output;
  readonly api: Api;
  readonly settings: Settings;
  readonly around: Surroundings;
  /** What the process ends with when nothing is thrown. */
  exit: number;
}

export const contextOf = (command: Command, around: Surroundings): Context => {
  const flags = command.optsWithGlobals<GlobalFlags>();
  const settings = readSettings(flags, around.env, around.cwd);
  return { out: new Output(around.streams, flags.json === true, around.env), api: new Api(settings), settings, around, exit: EXIT.ok };
};

/** Makes an action of a command from what it does. */
export type Run = <F extends OptionValues>(work: (context: Context, args: readonly string[], flags: F) => Promise<void>) => (...args: unknown[]) => Promise<void>;

const WATCH_MS = 1_000;

export interface WatchFlags {
  readonly watch?: boolean;
}

/** Once, or with --watch over and over: on a terminal in place, elsewhere whenever the answer has changed. Ctrl-C ends it with 130. */
export const shown = async <T>(context: Context, { watch }: WatchFlags, read: () => Promise<T>, show: (answer: T) => void): Promise<void> => {
  const { out, around } = context;
  const print = (answer: T): void => (out.json ? out.data(answer) : show(answer));
  if (watch !== true) return print(await read());
  let before = '';
  while (!around.interrupted.aborted) {
    const answer = await read();
    const text = JSON.stringify(answer);
    if (text !== before) {
      if (!out.json) out.clear();
      print(answer);
      before = text;
    }
    await around.sleep(WATCH_MS);
  }
  context.exit = EXIT.interrupted;
};

/** Refused where it is typed, with the option's name. */
export const wholeNumber = (name: string) => (text: string): string => {
  if (!/^\d{1,9}$/.test(text)) throw usage(`${name} is a whole number, not ${JSON.stringify(text)}`);
  return text;
};
