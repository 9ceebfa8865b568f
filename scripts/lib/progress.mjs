/** One line per step on stderr, with the seconds it took: `[2/4] nats-server … 1.4 s`. Plain Node, no dependencies. */
import { performance } from 'node:perf_hooks';

const tty = process.stderr.isTTY === true;
const HEARTBEAT_MS = tty ? 1_000 : 15_000;

/** Runs `work` under a progress line. `work` gets a function that notes, on the same line, what was found. */
export async function step(label, work) {
  const started = performance.now();
  const seconds = () => `${((performance.now() - started) / 1_000).toFixed(1)} s`;
  let note = '';
  if (tty) process.stderr.write(`${label} …`);
  const timer = setInterval(() => process.stderr.write(tty ? `\r\x1b[K${label} … ${seconds()}` : `${label} … ${seconds()}\n`), HEARTBEAT_MS);
  if (!tty) process.stderr.write(`${label} …\n`);
  const end = (how) => {
    clearInterval(timer);
    process.stderr.write(`${tty ? '\r\x1b[K' : ''}${label} … ${how}${seconds()}${note && `, ${note}`}\n`);
  };
  try {
    const result = await work((text) => (note = text));
    end('');
    return result;
  } catch (error) {
    end('failed after ');
    throw error;
  }
}

/** An error whose message is the whole story: printed as one line, without a stack. */
export class Refusal extends Error {}

export function fail(error) {
  process.stderr.write(error instanceof Refusal ? `tallystick: ${error.message}\n` : `${error?.stack ?? error}\n`);
  process.exit(1);
}
