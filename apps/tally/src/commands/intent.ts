import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { IntentReceiptV1, IntentViewV1, OrderViewV1, PageV1, PreviewV1 } from '@tallystick/contracts';
import type { Command } from 'commander';
import { shown, wholeNumber, type Context, type Run, type WatchFlags } from '../context.ts';
import { CliError, EXIT, usage } from '../errors.ts';
import { stateCell, timeText } from '../output.ts';
import { orderTable } from './order.ts';

interface IntentFlags {
  readonly account?: string;
  readonly strategy?: string;
  readonly strategyVersion: string;
  readonly limit?: string;
  readonly stop?: string;
  readonly tif?: string;
  readonly key?: string;
  readonly mode?: string;
  readonly maxSlippageBps?: string;
  readonly maxExposurePct?: string;
  readonly reason?: string;
  readonly file?: string;
  readonly wait?: boolean;
}

type Body = Readonly<Record<string, unknown>>;

/** How long `submit` looks for the decision: it is made within milliseconds when all is well. */
const DECISION_MS_MAX = 5_000;
const LOOK_EVERY_MS = 100;

const needed = (value: string | undefined, flag: string, variable: string): string => {
  if (value !== undefined && value !== '') return value;
  throw usage(`${flag} is missing`, `add ${flag} <id>, or set ${variable}`);
};

const typeOf = ({ limit, stop }: IntentFlags): string => (limit === undefined ? (stop === undefined ? 'market' : 'stop') : stop === undefined ? 'limit' : 'stop_limit');

const bodyOfFlags = ([symbol, side, qty]: readonly string[], flags: IntentFlags, { around }: Context): Body => {
  if (symbol === undefined || side === undefined || qty === undefined) throw usage('say what to trade: <symbol> <buy|sell> <qty>, or --file', 'as in: tally intent submit SPY buy 10 --account paper-1 --strategy manual');
  if (side !== 'buy' && side !== 'sell') throw usage(`${JSON.stringify(side)} is neither buy nor sell`);
  const { limit, stop, tif, mode, maxSlippageBps, maxExposurePct, reason } = flags;
  const constraints = { ...(maxSlippageBps === undefined ? {} : { max_slippage_bps: maxSlippageBps }), ...(maxExposurePct === undefined ? {} : { max_exposure_pct: maxExposurePct }) };
  return {
    version: 1, key: { policy: 'explicit', key: flags.key ?? `cli-${around.uuid()}` },
    strategy: { id: needed(flags.strategy ?? around.env['TALLY_STRATEGY'], '--strategy', 'TALLY_STRATEGY'), version: flags.strategyVersion },
    account: needed(flags.account ?? around.env['TALLY_ACCOUNT'], '--account', 'TALLY_ACCOUNT'), ...(mode === undefined ? {} : { mode }),
    orders: [{
      symbol, side, qty, order_type: typeOf(flags), ...(tif === undefined ? {} : { time_in_force: tif.toUpperCase() }),
      ...(limit === undefined ? {} : { limit_price: limit }), ...(stop === undefined ? {} : { stop_price: stop }),
    }],
    constraints, ...(reason === undefined ? {} : { reason }),
  };
};

const bodyOfFile = async (file: string, { around }: Context): Promise<Body> => {
  let text: string;
  try {
    text = file === '-' ? await around.readStdin() : readFileSync(resolve(around.cwd, file), 'utf8');
  } catch (error) {
    throw usage(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  try {
    return JSON.parse(text) as Body;
  } catch {
    throw usage(`${file === '-' ? 'what came on stdin' : file} is not JSON`, 'the form of an intent: GET /v1/openapi.json, schema IntentV1');
  }
};

const bodyOf = async (context: Context, args: readonly string[], flags: IntentFlags): Promise<Body> => {
  const [first] = args;
  if (flags.file !== undefined || first === '-') {
    if (args.length > (first === '-' ? 1 : 0)) throw usage('give either the order or a file, not both');
    return bodyOfFile(flags.file ?? '-', context);
  }
  return bodyOfFlags(args, flags, context);
};

/** An explicit key is its own header; a derived one is a name for this request only. */
const headerKey = (body: Body, { around }: Context): string => {
  const key = body['key'] as { readonly policy?: unknown; readonly key?: unknown } | undefined;
  return key?.policy === 'explicit' && typeof key.key === 'string' ? key.key : around.uuid();
};

const decidedOrders = async ({ api, around }: Context, receipt: Extract<IntentReceiptV1, { status: 'accepted' }>): Promise<readonly OrderViewV1[]> => {
  const untilMs = around.nowMs() + DECISION_MS_MAX;
  for (;;) {
    const { items } = await api.get<PageV1<OrderViewV1>>('/v1/orders', { intent_key: receipt.intent_key, limit: '100' });
    if (items.length >= receipt.orders.length || around.nowMs() > untilMs || around.interrupted.aborted) return items;
    await around.sleep(LOOK_EVERY_MS);
  }
};

const submit = async (context: Context, args: readonly string[], flags: IntentFlags): Promise<void> => {
  const { out, api } = context;
  const body = await bodyOf(context, args, flags);
  const key = headerKey(body, context);
  const { body: receipt } = await api.send<IntentReceiptV1>('POST', '/v1/intents', { body, headers: { 'idempotency-key': key } });
  if (receipt.status !== 'accepted') throw new CliError({ code: 'ANSWER_UNREADABLE', message: `the gateway answered ${receipt.status}`, exit: EXIT.failed });
  const orders = flags.wait === false ? [] : await decidedOrders(context, receipt);
  const denied = orders.filter((order) => order.status === 'DENIED');
  if (denied.length > 0) context.exit = EXIT.refused;
  if (out.json) return out.data({ ...receipt, decided: orders });
  out.note(`${receipt.repeated ? 'recorded before, under' : 'recorded, request'} ${receipt.request_id}; key ${key}`);
  if (orders.length > 0) orderTable(out, [...orders].reverse());
  else for (const { order_id: id } of receipt.orders) out.line(id);
  for (const order of denied) out.complain(`order ${order.order_id} was denied: ${order.denial_codes.join(', ')}\n  why: ${order.reason?.detail ?? 'see its timeline'}\n  fix: every check with its limit: tally order timeline ${order.order_id} --json`);
  if (orders.length < receipt.orders.length && flags.wait !== false) out.note(`not decided yet within ${DECISION_MS_MAX / 1000} s: tally intent show ${receipt.intent_key}`);
};

const preview = async (context: Context, args: readonly string[], flags: IntentFlags): Promise<void> => {
  const { out, api } = context;
  const body = await bodyOf(context, args, flags);
  const { body: said } = await api.send<PreviewV1>('POST', '/v1/intents/preview', { body });
  if (said.status === 'refused') context.exit = EXIT.refused;
  if (said.status === 'previewed' && said.decisions.some(({ decision }) => decision.outcome === 'denied')) context.exit = EXIT.refused;
  if (out.json) return out.data(said);
  if (said.status === 'refused') {
    for (const refusal of said.refusals) out.line(`refused ${refusal.code}: ${refusal.detail}`);
  } else if (said.status === 'previewed') {
    for (const { terms, decision, venue_request: request } of said.decisions) {
      out.line(`${out.paint(decision.outcome, decision.outcome === 'approved' ? 'good' : 'bad')}  ${terms.side} ${terms.qty} ${terms.symbol} on ${terms.account}`);
      out.table(decision.checks, [
        { head: 'CHECK', of: (check) => check.code }, { head: 'SCOPE', of: (check) => check.scope }, { head: 'PASSED', of: (check) => ({ text: check.passed ? 'yes' : 'NO', tone: check.passed ? 'good' : 'bad' }) },
        { head: 'OBSERVED', right: true, of: (check) => check.observed ?? '' }, { head: 'LIMIT', right: true, of: (check) => check.limit ?? '' }, { head: 'HEADROOM', right: true, of: (check) => check.headroom ?? '' },
        { head: 'UNIT', of: (check) => check.unit ?? '' }, { head: 'DETAIL', of: (check) => check.detail ?? '' },
      ]);
      out.line(request ? `the venue would be sent: ${request.method} ${request.path} ${request.body}` : 'nothing would be sent to the venue');
    }
  }
  out.note('nothing was recorded, reserved or sent');
};

const show = async ({ out, api }: Context, key: string, { asOf }: { readonly asOf?: string }): Promise<void> => {
  const answer = await api.get<{ readonly intent: IntentViewV1; readonly position: string }>(`/v1/intents/${encodeURIComponent(key)}`, { as_of: asOf });
  if (out.json) return out.data(answer);
  const { intent } = answer;
  out.facts([
    ['intent', intent.intent_key], ['status', stateCell(intent.status)], ['request', intent.request_id], ['account', `${intent.intent.account} (${intent.intent.mode})`],
    ['strategy', `${intent.intent.strategy.id} ${intent.intent.strategy.version}`], ['reason', intent.intent.reason || undefined], ['recorded', timeText(intent.recorded_at_ms)],
    ['conflicts', intent.conflicts === 0 ? undefined : { text: String(intent.conflicts), tone: 'warn' }],
    ...intent.refusals.map((refusal) => ['refused', `${refusal.code}: ${refusal.detail}`] as const),
    ...intent.orders.map((order) => [`order ${order.leg}`, { text: `${order.order_id} ${order.status === 'NONE' ? 'not decided yet' : order.status}` }] as const),
  ]);
};

interface ListFlags extends WatchFlags {
  readonly account?: string;
  readonly strategy?: string;
  readonly status?: string;
  readonly limit?: string;
  readonly cursor?: string;
  readonly asOf?: string;
}

const list = (context: Context, { asOf, watch, ...query }: ListFlags): Promise<void> => {
  const { out, api } = context;
  return shown(context, watch === undefined ? {} : { watch }, () => api.get<PageV1<IntentViewV1>>('/v1/intents', { ...query, as_of: asOf }), ({ items, next, position }) => {
    if (items.length === 0) return out.note('No intents. The first one: tally intent submit SPY buy 10 --account paper-1 --strategy manual');
    out.table(items, [
      { head: 'RECORDED (UTC)', of: (intent) => timeText(intent.recorded_at_ms) }, { head: 'INTENT', of: (intent) => intent.intent_key.slice(0, 16) }, { head: 'ACCOUNT', of: (intent) => intent.intent.account },
      { head: 'STRATEGY', of: (intent) => intent.intent.strategy.id }, { head: 'STATUS', of: (intent) => stateCell(intent.status) },
      { head: 'ORDERS', of: (intent) => intent.intent.orders.map((order, n) => `${order.side} ${order.qty} ${order.symbol} ${intent.orders[n]?.status ?? ''}`.trim()).join('; ').slice(0, 80) },
    ]);
    out.note(`${items.length} intents at position ${position}${next === undefined ? '' : `; more: --cursor ${next}`}`);
  });
};

const orderArguments = (command: Command): Command => command
  .argument('[symbol]', 'or - for an intent as JSON on stdin').argument('[side]', 'buy or sell').argument('[qty]')
  .option('--account <id>', 'default: TALLY_ACCOUNT').option('--strategy <id>', 'on whose behalf; default: TALLY_STRATEGY').option('--strategy-version <version>', 'recorded with it', '1')
  .option('--limit <price>').option('--stop <price>').option('--tif <tif>', 'DAY, GTC, IOC or FOK (default DAY)').option('--mode <mode>', 'paper (default) or live')
  .option('--key <text>', 'the same key is the same intent, for ever (default: a new one)').option('--max-slippage-bps <bps>').option('--max-exposure-pct <percent>').option('--reason <text>', 'for people')
  .option('--file <path>', 'the whole intent as JSON, - for stdin');

export const intentCommands = (program: Command, run: Run): void => {
  const intent = program.command('intent').description('intents: propose a trade; policy decides');
  orderArguments(intent.command('preview').description('every check and the venue payload; nothing is recorded or sent'))
    .addHelpText('after', '\nExamples:\n  tally intent preview AAPL buy 10 --limit 180.25 --account paper-1 --strategy manual\n  tally intent preview --file basket.json --json')
    .action(run((context, args, flags: IntentFlags) => preview(context, args, flags)));
  orderArguments(intent.command('submit').description('record an intent and show what was decided')).option('--no-wait', 'do not wait for the decision')
    .addHelpText('after', '\nExamples:\n  tally intent submit AAPL buy 10 --limit 180.25 --account paper-1 --strategy manual\n  tally intent submit AAPL sell 5 --key close-2013-10-08\n  jq . basket.json | tally intent submit -\n\nEnds with 3 when policy denies it.')
    .action(run((context, args, flags: IntentFlags) => submit(context, args, flags)));
  intent.command('show').description('one intent and where its orders stand').argument('<intent>', 'intent key').option('--as-of <when>', 'a log position or a time')
    .addHelpText('after', '\nExamples:\n  tally intent show <intent key>')
    .action(run((context, [key = ''], flags: { readonly asOf?: string }) => show(context, key, flags)));
  intent.command('list').description('intents, newest first').option('--account <id>').option('--strategy <id>').option('--status <status>', 'accepted or refused')
    .option('--limit <n>', 'at most so many', wholeNumber('--limit')).option('--cursor <cursor>', 'the next page').option('--as-of <when>', 'a log position or a time').option('--watch', 'show changes as they come')
    .addHelpText('after', '\nExamples:\n  tally intent list --status refused\n  tally intent list --strategy basket --watch')
    .action(run((context, _args, flags: ListFlags) => list(context, flags)));
};
