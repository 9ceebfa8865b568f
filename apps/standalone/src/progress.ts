/** What is shown while it works: lines that are true when they appear, and on a terminal one line that changes. */
export interface Screen {
  readonly tty: boolean;
  readonly colours: boolean;
  /** Of a line, in characters. */
  width(): number;
  write(text: string): void;
}

export const screenOn = (stream: NodeJS.WriteStream, env: Readonly<Record<string, string | undefined>>): Screen => {
  const tty = stream.isTTY === true;
  return { tty, colours: tty && !env['NO_COLOR'], width: () => stream.columns ?? WIDTH_UNKNOWN, write: (text) => void stream.write(text) };
};

/** Terminals that do not say how wide they are. */
const WIDTH_UNKNOWN = 80;

type Colour = 'green' | 'red' | 'yellow' | 'dim' | 'bold';
const CODES: Readonly<Record<Colour, string>> = { green: '32', red: '31', yellow: '33', dim: '2', bold: '1' };
export const paint = (screen: Screen, colour: Colour, text: string): string => (screen.colours ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text);

const REDRAW_MS = 200;
/** Without a terminal every line stays: often enough to see that it lives, for what ends by itself within minutes. */
const PLAIN_MS = 5_000;
const NAME_CHARS = 14;

export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** Lines above, one changing line below. */
export class Progress {
  private below = '';
  private saidAtMs = -Infinity;
  private timer: NodeJS.Timeout | undefined;
  private readonly beganMs = performance.now();

  constructor(readonly screen: Screen) {}

  /** A line that stays. */
  line(text: string): void {
    this.clear();
    this.screen.write(`${text}\n`);
    this.draw();
  }

  note(text: string): void {
    this.line(`${paint(this.screen, 'yellow', '!')} ${text}`);
  }

  check(name: string, detail: string): void {
    const took = seconds(performance.now() - this.beganMs).padStart(7);
    this.line(`${paint(this.screen, 'green', '✔')} ${name.padEnd(NAME_CHARS)} ${paint(this.screen, 'dim', took)}  ${detail}`.trimEnd());
  }

  /** Shows what `text` gives, again and again: in place on a terminal, else as a line every `plainMs`. An empty text shows nothing. */
  live(text: () => string, plainMs = PLAIN_MS): () => void {
    this.saidAtMs = performance.now();
    const show = (): void => {
      if (this.screen.tty) {
        this.clear();
        // A line that wraps could not be taken back.
        this.below = text().slice(0, this.screen.width() - 1);
        this.draw();
      } else if (performance.now() - this.saidAtMs >= plainMs) {
        this.saidAtMs = performance.now();
        const said = text();
        if (said !== '') this.screen.write(`${said}\n`);
      }
    };
    clearInterval(this.timer);
    this.timer = setInterval(show, REDRAW_MS);
    this.timer.unref();
    return () => {
      clearInterval(this.timer);
      this.clear();
      this.below = '';
    };
  }

  private clear(): void {
    if (this.screen.tty && this.below !== '') this.screen.write('\r\u001b[2K');
  }

  private draw(): void {
    if (this.screen.tty && this.below !== '') this.screen.write(this.below);
  }
}
