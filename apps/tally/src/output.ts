/** Where a command writes: data to stdout, words for people to stderr. */
export interface Streams {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
}

type Tone = 'good' | 'bad' | 'warn' | 'dim' | 'head';

const CODES: Readonly<Record<Tone, string>> = { good: '32', bad: '31', warn: '33', dim: '2', head: '1' };

export interface Cell {
  readonly text: string;
  readonly tone?: Tone;
}

export type Column<T> = { readonly head: string; readonly right?: boolean; readonly of: (row: T) => string | Cell };

const WORSE: readonly string[] = ['DENIED', 'REJECTED', 'NOT_SENT', 'NOT_RECEIVED', 'refused', 'silent', 'down', 'failed'];
const WARY: readonly string[] = ['IN_DOUBT', 'CANCELED', 'EXPIRED', 'PARTIALLY_FILLED', 'degraded', 'starting'];
const WELL: readonly string[] = ['FILLED', 'accepted', 'running', 'ok', 'redriven'];

/** A state with its colour; the word says it without. */
export const stateCell = (text: string): Cell => ({ text, ...(WORSE.includes(text) ? { tone: 'bad' as const } : WARY.includes(text) ? { tone: 'warn' as const } : WELL.includes(text) ? { tone: 'good' as const } : {}) });

/** Control characters of foreign text would move the cursor of whoever looks at it. */
const plain = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');

export class Output {
  private readonly colour: boolean;

  constructor(
    private readonly streams: Streams,
    readonly json: boolean,
    env: Readonly<Record<string, string | undefined>>,
  ) {
    this.colour = streams.stdout.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  }

  get isTerminal(): boolean {
    return this.streams.stdout.isTTY === true;
  }

  paint(text: string, tone: Tone | undefined): string {
    return this.colour && tone !== undefined ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text;
  }

  /** One JSON document, a line. */
  data(value: unknown): void {
    this.streams.stdout.write(`${JSON.stringify(value)}\n`);
  }

  line(text = ''): void {
    this.streams.stdout.write(`${text}\n`);
  }

  /** For people, on stderr; not with --json. */
  note(text: string): void {
    if (!this.json) this.streams.stderr.write(`${this.paint(text, this.streams.stderr.isTTY === true ? 'dim' : undefined)}\n`);
  }

  complain(text: string): void {
    this.streams.stderr.write(`${text}\n`);
  }

  clear(): void {
    if (this.isTerminal) this.streams.stdout.write('\u001b[2J\u001b[H');
  }

  table<T>(rows: readonly T[], columns: readonly Column<T>[]): void {
    const cells = rows.map((row) => columns.map((column): Cell => {
      const of = column.of(row);
      return typeof of === 'string' ? { text: plain(of) } : { ...of, text: plain(of.text) };
    }));
    const widths = columns.map(({ head }, n) => Math.max(head.length, ...cells.map((row) => row[n]?.text.length ?? 0)));
    const put = (texts: readonly Cell[]): void => {
      const parts = texts.map(({ text, tone }, n) => {
        const width = widths[n] ?? 0;
        return this.paint(columns[n]?.right === true ? text.padStart(width) : text.padEnd(width), tone);
      });
      this.line(parts.join('  ').trimEnd());
    };
    put(columns.map(({ head }) => ({ text: head, tone: 'head' })));
    for (const row of cells) put(row);
  }

  /** Names and values, one a line. */
  facts(facts: readonly (readonly [name: string, value: string | Cell | undefined])[]): void {
    const shown = facts.filter((fact): fact is readonly [string, string | Cell] => fact[1] !== undefined);
    const width = Math.max(0, ...shown.map(([name]) => name.length));
    for (const [name, value] of shown) {
      const cell = typeof value === 'string' ? { text: value } : value;
      this.line(`${this.paint(name.padEnd(width), 'dim')}  ${this.paint(plain(cell.text), 'tone' in cell ? cell.tone : undefined)}`);
    }
  }
}

/** Digits in threes. */
export const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ' ');

/** UTC, to the millisecond. */
export const timeText = (ms: number | undefined): string => (ms === undefined ? '' : new Date(ms).toISOString().replace('T', ' '));
