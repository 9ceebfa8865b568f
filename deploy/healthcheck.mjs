/** Asks this container's own /healthz. Exit code 0: alive; 1: not, or it has no health page, with a line that says why. */
const { TALLY_OPS_PORT, TALLY_VENUE_PORT, TALLY_STORE_HTTP_PORT } = process.env;
const port = TALLY_OPS_PORT ?? TALLY_VENUE_PORT ?? TALLY_STORE_HTTP_PORT;
// Docker's own limit is 3 s: say why before that.
const ANSWER_MS_MAX = 2_500;

try {
  if (port === undefined) throw new Error('none of TALLY_OPS_PORT, TALLY_VENUE_PORT, TALLY_STORE_HTTP_PORT is set');
  const response = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  if (!response.ok) throw new Error(`/healthz says ${response.status}: ${(await response.text()).slice(0, 300)}`);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
