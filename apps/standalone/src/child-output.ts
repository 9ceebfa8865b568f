/** What one line of a child's output says about it. */
export interface ReadyLine {
  readonly port?: number;
  readonly [member: string]: unknown;
}

const LINES_KEPT = 20;
/** Longer lines are cut: they are shown to people. */
const SHOWN_CHARS_MAX = 400;

const objectIn = (line: string): Readonly<Record<string, unknown>> | undefined => {
  if (!line.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch (error) {
    // A line that is no JSON is text.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** A line for people: log records as code, detail and remedy; nats-server's prefix of process id and time taken off. */
const shown = (line: string): string => {
  const record = objectIn(line);
  const said = record === undefined ? line.replace(/^\[\d+\] \S+ \S+ (\[\w+\] )?/, '')
    : [text(record['code']) || text(record['event']), text(record['detail']), text(record['remedy'])].filter((part) => part !== '').join(': ');
  return said.trim().slice(0, SHOWN_CHARS_MAX);
};

/** Cuts a child's output into lines, finds the one that says it is ready, and keeps the last ones for when it does not start. */
export class ChildOutput {
  private readonly rest = { stdout: '', stderr: '' };
  private readonly last = { stdout: [] as string[], stderr: [] as string[] };

  constructor(private readonly onReady: (ready: ReadyLine) => void) {}

  add(from: 'stdout' | 'stderr', chunk: string): void {
    const lines = (this.rest[from] + chunk).split('\n');
    this.rest[from] = lines.pop() ?? '';
    for (const line of lines) this.line(from, line);
  }

  /** Why it ended or hangs, as far as it said so: its last words on stderr, else its last record of a failure, else of a warning. */
  lastWords(): string {
    for (const from of ['stderr', 'stdout'] as const) if (this.rest[from].trim() !== '') this.last[from].push(this.rest[from]);
    const stderr = this.last.stderr.filter((line) => line.trim() !== '' && !/^\s+at /.test(line));
    const ofLevel = (...levels: readonly string[]): string | undefined => this.last.stdout.findLast((line) => levels.includes(text(objectIn(line)?.['level'])));
    return shown(stderr.at(-1) ?? ofLevel('error', 'fatal') ?? ofLevel('warn') ?? '');
  }

  private line(from: 'stdout' | 'stderr', line: string): void {
    this.last[from] = [...this.last[from].slice(1 - LINES_KEPT), line];
    if (from !== 'stdout' || !line.includes('"ready"')) return;
    const record = objectIn(line);
    if (record?.['event'] === 'ready') this.onReady(record);
  }
}
