import type { DeadLetterV1, RedriveResultV1, StatusV1 } from '@tallystick/contracts';
import type { Command } from 'commander';
import { shown, wholeNumber, type Context, type Run, type WatchFlags } from '../context.ts';
import { EXIT, usage } from '../errors.ts';
import { stateCell, timeText, type Output } from '../output.ts';

const showStatus = (out: Output, status: StatusV1): void => {
  const orders = Object.entries(status.orders);
  const engaged = status.kill.engaged.map(({ scope, reason, engaged_by: by }) => `${scope} (${reason}, ${by})`).join('; ');
  out.facts([
    ['status', stateCell(status.status)], ['mode', status.mode], ['build', status.build],
    ['store', status.store.ok ? `ok, head at ${status.store.head ?? 'nothing'}` : { text: `down: ${status.store.detail ?? ''}`, tone: 'bad' }], ['bus', status.bus.ok ? 'ok' : { text: 'down', tone: 'bad' }],
    ['read model', `at ${status.position}`],
    ['market', status.market && `${status.market.source}${status.market.simulated ? ' (simulated)' : ''}, step ${status.market.sequence}, ${timeText(status.market.time_ms)}`],
    ['policy', status.policy ? `${status.policy.name} #${status.policy.sequence} ${status.policy.policy_hash.slice(0, 16)}` : { text: 'none in force: everything is denied', tone: 'bad' }],
    ['kill switch', status.kill.readable ? (engaged === '' ? 'released' : { text: `ENGAGED: ${engaged}`, tone: 'bad' }) : { text: 'unreadable: nothing is sent', tone: 'bad' }],
    ['orders', orders.length === 0 ? 'none yet' : orders.map(([name, n]) => `${n} ${name}`).join(', ')],
  ]);
  out.line();
  out.table(status.services, [
    { head: 'SERVICE', of: (row) => row.service }, { head: 'INSTANCE', of: (row) => row.instance }, { head: 'KIND', of: (row) => row.kind }, { head: 'WANTED', of: (row) => row.desired },
    { head: 'ACTUAL', of: (row) => stateCell(row.actual) }, { head: 'LAG', right: true, of: (row) => (row.lag_events === undefined ? '' : String(row.lag_events)) },
    { head: 'RESTARTS', right: true, of: (row) => (row.restarts === undefined ? '' : String(row.restarts)) }, { head: 'DETAIL', of: (row) => row.detail ?? '' },
  ]);
};

const status = async (context: Context, { watch }: WatchFlags): Promise<void> => {
  let newest: StatusV1 | undefined;
  await shown(context, watch === undefined ? {} : { watch }, async () => (newest = await context.api.get<StatusV1>('/v1/status')), (answer) => showStatus(context.out, answer));
  if (newest?.status === 'down' && context.exit === EXIT.ok) context.exit = EXIT.failed;
};

interface DeadLetterFlags {
  readonly service?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

const listDeadLetters = async ({ out, api }: Context, flags: DeadLetterFlags): Promise<void> => {
  const answer = await api.get<{ readonly items: readonly DeadLetterV1[]; readonly next?: string }>('/v1/dlq', { ...flags });
  if (out.json) return out.data(answer);
  if (answer.items.length === 0) return out.note('No dead letters: every command was handled.');
  out.table(answer.items, [
    { head: 'NUMBER', right: true, of: (row) => String(row.sequence) }, { head: 'STORED (UTC)', of: (row) => timeText(row.stored_at_ms) }, { head: 'SERVICE', of: (row) => row.service }, { head: 'SUBJECT', of: (row) => row.subject },
    { head: 'CODE', of: (row) => ({ text: row.code, tone: 'bad' }) }, { head: 'TRIES', right: true, of: (row) => String(row.deliveries) }, { head: 'DETAIL', of: (row) => row.detail.slice(0, 80) },
  ]);
  out.note(`send one back to its queue: tally dlq redrive ${answer.items[0]?.sequence ?? '<number>'}${answer.next === undefined ? '' : `; more: --cursor ${answer.next}`}`);
};

const redrive = async (context: Context, number: string | undefined, { all, service }: { readonly all?: boolean; readonly service?: string }): Promise<void> => {
  const { out, api, around } = context;
  if ((number === undefined) !== (all === true)) throw usage('name one dead letter by its number, or --all', 'tally dlq list shows the numbers');
  if (service !== undefined && all !== true) throw usage('--service goes with --all');
  const body = number === undefined ? { version: 1, all: true, ...(service === undefined ? {} : { service }) } : { version: 1, sequence: Number(number) };
  const { body: answer } = await api.send<RedriveResultV1>('POST', '/v1/dlq/redrive', { body, headers: { 'idempotency-key': around.uuid() } });
  if (answer.results.some(({ outcome }) => outcome === 'failed' || outcome === 'not_found')) context.exit = EXIT.failed;
  if (out.json) return out.data(answer);
  if (answer.results.length === 0) return out.note('There were no dead letters to send back.');
  out.table(answer.results, [{ head: 'NUMBER', right: true, of: (row) => String(row.sequence) }, { head: 'OUTCOME', of: (row) => stateCell(row.outcome) }, { head: 'DETAIL', of: (row) => row.detail ?? '' }]);
};

export const operationCommands = (program: Command, run: Run): void => {
  program.command('status').description('one look at all of it').option('--watch', 'show changes as they come')
    .addHelpText('after', '\nExamples:\n  tally status\n  tally status --json | jq .orders')
    .action(run((context, _args, flags: WatchFlags) => status(context, flags)));
  const dlq = program.command('dlq').description('dead letters: commands that were set aside, and why');
  dlq.command('list').description('oldest first').option('--service <name>').option('--limit <n>', 'at most so many', wholeNumber('--limit')).option('--cursor <cursor>', 'the next page')
    .addHelpText('after', '\nExamples:\n  tally dlq list --service execution')
    .action(run((context, _args, flags: DeadLetterFlags) => listDeadLetters(context, flags)));
  dlq.command('redrive').description('send dead letters back to their queues').argument('[number]', 'its number', wholeNumber('the number')).option('--all', 'all there are now').option('--service <name>', 'with --all: of one service')
    .addHelpText('after', '\nExamples:\n  tally dlq redrive 17\n  tally dlq redrive --all --service risk')
    .action(run((context, [number], flags: { readonly all?: boolean; readonly service?: string }) => redrive(context, number, flags)));
};
