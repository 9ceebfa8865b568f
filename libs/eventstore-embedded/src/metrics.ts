/** Upper bounds in seconds, from a fast disk's sync to a hung one. */
const SECONDS_BOUNDS = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
const COUNT_BOUNDS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096];

export class Counter {
  value = 0;
  readonly name: string;
  readonly help: string;

  constructor(name: string, help: string) {
    this.name = name;
    this.help = help;
  }

  add(by: number): void {
    this.value += by;
  }

  lines(): string[] {
    return [`# HELP ${this.name} ${this.help}`, `# TYPE ${this.name} counter`, `${this.name} ${this.value}`];
  }
}

export class Histogram {
  readonly name: string;
  readonly help: string;
  private readonly bounds: readonly number[];
  private readonly counts: number[];
  private sum = 0;
  private count = 0;

  constructor(name: string, help: string, bounds: readonly number[]) {
    this.name = name;
    this.help = help;
    this.bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.sum += value;
    this.count++;
    for (let i = 0; i < this.bounds.length; i++) {
      if (value <= this.bounds[i]!) {
        this.counts[i]!++;
        return;
      }
    }
  }

  lines(): string[] {
    const lines = [`# HELP ${this.name} ${this.help}`, `# TYPE ${this.name} histogram`];
    let below = 0;
    for (const [i, bound] of this.bounds.entries()) {
      below += this.counts[i]!;
      lines.push(`${this.name}_bucket{le="${bound}"} ${below}`);
    }
    lines.push(`${this.name}_bucket{le="+Inf"} ${this.count}`, `${this.name}_sum ${this.sum}`, `${this.name}_count ${this.count}`);
    return lines;
  }
}

/** A value read when it is asked for. */
export interface Gauge {
  readonly name: string;
  readonly help: string;
  readonly value: number;
}

/** What the server counts while it works. Gauges are read when asked for. */
export class StoreMetrics {
  readonly appendSeconds = new Histogram('tally_store_append_seconds', 'From the arrival of an append to its answer.', SECONDS_BOUNDS);
  readonly syncSeconds = new Histogram('tally_store_sync_seconds', 'Time of one sync of the log.', SECONDS_BOUNDS);
  readonly groupAppends = new Histogram('tally_store_group_appends', 'Appends made durable by one sync.', COUNT_BOUNDS);
  readonly events = new Counter('tally_store_events_written_total', 'Events written since the start.');
  readonly eventsRead = new Counter('tally_store_events_read_total', 'Events sent to readers and subscribers since the start.');
  readonly refusedWrites = new Counter('tally_store_writes_refused_total', 'Write groups the disk refused.');
  readonly timeouts = new Counter('tally_store_append_timeouts_total', 'Appends and deletes answered with a timeout.');
  readonly accessDenied = new Counter('tally_store_access_denied_total', 'Writes refused because the caller may not make them.');
  readonly damagedReads = new Counter('tally_store_damaged_reads_total', 'Reads that met a damaged record.');

  render(gauges: readonly Gauge[]): string {
    const counted = [
      this.appendSeconds, this.syncSeconds, this.groupAppends, this.events, this.eventsRead, this.refusedWrites, this.timeouts, this.accessDenied, this.damagedReads,
    ];
    const lines = counted.flatMap((metric) => metric.lines());
    for (const { name, help, value } of gauges) lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value}`);
    return `${lines.join('\n')}\n`;
  }
}
