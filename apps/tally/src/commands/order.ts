import type { CancelReceiptV1, OrderViewV1, PageV1, TimelineEntryV1 } from '@tallystick/contracts';
import type { Command } from 'commander';
import { shown, wholeNumber, type Context, type Run, type WatchFlags } from '../context.ts';
import { usage } from '../errors.ts';
import { stateCell, timeText, type Column, type Output } from '../output.ts';

interface ListFlags extends WatchFlags {
  readonly account?: string;
  readonly strategy?: string;
  readonly symbol?: string;
  readonly status?: string;
  readonly mode?: string;
  readonly intent?: string;
  readonly limit?: string;
  readonly cursor?: string;
  readonly asOf?: string;
}

const ORDER_ID = /^[a-z2-7]{32}$/;

export const orderId = (text: string): string => {
  if (!ORDER_ID.test(text)) throw usage(`${JSON.stringify(text)} is no order id`, 'an order id is 32 characters a-z and 2-7; tally order list shows them');
  return text;
};

export const termsText = ({ order_type: type, limit_price: limit, stop_price: stop, time_in_force: tif }: OrderViewV1): string =>
  [type, ...(stop === undefined ? [] : [`stop ${stop}`]), ...(limit === undefined ? [] : [`@ ${limit}`]), tif].join(' ');

export const whyText = ({ reason, denial_codes: denials }: OrderViewV1): string => (denials.length > 0 ? denials.join(' ') : (reason?.code ?? ''));

const COLUMNS: readonly Column<OrderViewV1>[] = [
  { head: 'ORDER', of: (order) => order.order_id },
  { head: 'ACCOUNT', of: (order) => order.account },
  { head: 'STRATEGY', of: (order) => order.strategy.id },
  { head: 'SIDE', of: (order) => order.side },
  { head: 'QTY', right: true, of: (order) => order.qty },
  { head: 'SYMBOL', of: (order) => order.symbol },
  { head: 'TERMS', of: termsText },
  { head: 'STATUS', of: (order) => stateCell(order.status) },
  { head: 'FILLED', right: true, of: (order) => order.cum_qty },
  { head: 'AVG PRICE', right: true, of: (order) => order.avg_price ?? '' },
  { head: 'WHY', of: whyText },
];

export const orderTable = (out: Output, orders: readonly OrderViewV1[]): void => out.table(orders, COLUMNS);

const list = (context: Context, { intent, limit, cursor, asOf, watch, status, ...filters }: ListFlags): Promise<void> => {
  const { out, api } = context;
  const query = { ...filters, status: status?.toUpperCase(), intent_key: intent, limit, cursor, as_of: asOf };
  return shown(context, { ...(watch === undefined ? {} : { watch }) }, () => api.get<PageV1<OrderViewV1>>('/v1/orders', query), ({ items, next, position }) => {
    if (items.length === 0) {
      out.note(`No orders${asOf === undefined ? '' : ` as of ${asOf}`}. An order begins as an intent:\n  tally intent submit SPY buy 10 --account paper-1 --strategy manual`);
      return;
    }
    orderTable(out, items);
    out.note(`${items.length} orders at position ${position}${next === undefined ? '' : `; more: --cursor ${next}`}`);
  });
};

const show = async ({ out, api }: Context, id: string, { asOf }: { readonly asOf?: string }): Promise<void> => {
  const answer = await api.get<{ readonly order: OrderViewV1; readonly position: string }>(`/v1/orders/${id}`, { as_of: asOf });
  if (out.json) return out.data(answer);
  const { order } = answer;
  out.facts([
    ['order', order.order_id], ['status', stateCell(order.status)], ['why', order.reason && `${order.reason.code}: ${order.reason.detail}`], ['failed checks', order.denial_codes.join(', ') || undefined],
    ['what', `${order.side} ${order.qty} ${order.symbol} ${termsText(order)}`], ['filled', `${order.cum_qty} of ${order.qty}${order.avg_price === undefined ? '' : ` at ${order.avg_price}`}, fees ${order.fees} ${order.currency}`],
    ['account', `${order.account} (${order.mode}, ${order.venue})`], ['strategy', `${order.strategy.id} ${order.strategy.version}`], ['intent', order.intent_key],
    ['venue order', order.venue_order_id], ['client order', order.client_order_id], ['cancel', order.cancel && `${order.cancel.stage}: ${order.cancel.reason}`],
    ['in doubt', order.doubt && `${order.doubt.code}, owner ${order.doubt.owner}, until ${timeText(order.doubt.deadline_ms)}`],
    ['anomalies', order.anomalies === 0 ? undefined : { text: String(order.anomalies), tone: 'warn' }], ['decided', timeText(order.decided_at_ms)],
  ]);
  out.note(`as of position ${answer.position}; its events: tally order timeline ${id}`);
};

/** The few members of an event that tell what happened, in the order people ask for them. */
const TELLING = ['code', 'reason', 'detail', 'kind', 'exec_id', 'qty', 'price', 'cum_qty', 'leaves_qty', 'venue_order_id', 'client_order_id'] as const;

const tellingText = ({ data }: TimelineEntryV1): string => {
  const decision = data['decision'] as { readonly checks?: readonly { readonly passed: boolean; readonly code: string }[] } | undefined;
  const failed = decision?.checks?.filter((check) => !check.passed).map((check) => check.code) ?? [];
  if (decision?.checks) return `${decision.checks.length} checks${failed.length === 0 ? ', all passed' : `, failed: ${failed.join(' ')}`}`;
  return TELLING.flatMap((name) => (typeof data[name] === 'string' ? [`${name} ${data[name]}`] : [])).join(', ').slice(0, 120);
};

const timeline = async ({ out, api }: Context, id: string, { asOf }: { readonly asOf?: string }): Promise<void> => {
  const answer = await api.get<{ readonly entries: readonly TimelineEntryV1[]; readonly position: string }>(`/v1/orders/${id}/timeline`, { as_of: asOf });
  if (out.json) return out.data(answer);
  const [first] = answer.entries;
  out.table(answer.entries, [
    { head: 'TIME (UTC)', of: (entry) => timeText(entry.recorded_at_ms) },
    { head: 'AFTER', right: true, of: (entry) => `+${entry.recorded_at_ms - (first?.recorded_at_ms ?? 0)} ms` },
    { head: 'N', right: true, of: (entry) => String(entry.revision) },
    { head: 'EVENT', of: (entry) => ({ text: entry.type, tone: 'head' }) },
    { head: 'WHAT', of: tellingText },
    { head: 'WHO', of: (entry) => entry.metadata.actor },
    { head: 'CAUSED BY', of: (entry) => entry.metadata.causationid.slice(0, 36) },
  ]);
  out.note(`${answer.entries.length} events as of position ${answer.position}; all of each with --json`);
};

const cancel = async ({ out, api, around }: Context, id: string, { reason }: { readonly reason: string }): Promise<void> => {
  const { body } = await api.send<CancelReceiptV1>('POST', `/v1/orders/${id}/cancel`, { body: { version: 1, reason }, headers: { 'idempotency-key': around.uuid() } });
  if (out.json) return out.data(body);
  if (body.status === 'already_closed') out.line(`order ${id} is ${body.order_status}: nothing is left to cancel`);
  else {
    out.line(`cancel of ${id} asked for; the order is ${body.order_status}`);
    out.note(`the venue's word ends it: tally order timeline ${id}`);
  }
};

export const orderCommands = (program: Command, run: Run): void => {
  const order = program.command('order').description('orders: what became of them, event by event');
  order.command('list').description('orders, newest first')
    .option('--account <id>').option('--strategy <id>').option('--symbol <symbol>').option('--status <status>', 'such as FILLED, WORKING, DENIED, IN_DOUBT').option('--mode <mode>', 'paper or live')
    .option('--intent <key>', 'orders of one intent').option('--limit <n>', 'at most so many (default 100)', wholeNumber('--limit')).option('--cursor <cursor>', 'the next page')
    .option('--as-of <when>', 'a log position or a time, as 2013-10-08T14:30:00Z').option('--watch', 'show changes as they come')
    .addHelpText('after', '\nExamples:\n  tally order list --status WORKING --account paper-1\n  tally order list --as-of 2013-10-08T14:30:00Z --json\n  tally order list --watch')
    .action(run((context, _args, flags: ListFlags) => list(context, flags)));
  order.command('show').description('one order').argument('<order>', 'order id', orderId).option('--as-of <when>', 'a log position or a time')
    .addHelpText('after', '\nExamples:\n  tally order show <order>\n  tally order show <order> --as-of 120417')
    .action(run((context, [id = ''], flags: { readonly asOf?: string }) => show(context, id, flags)));
  order.command('timeline').description('its events as recorded, with who caused them').argument('<order>', 'order id', orderId).option('--as-of <when>', 'a log position or a time')
    .addHelpText('after', '\nExamples:\n  tally order timeline <order>\n  tally order timeline <order> --json | jq .entries[].type')
    .action(run((context, [id = ''], flags: { readonly asOf?: string }) => timeline(context, id, flags)));
  order.command('cancel').description('ask for an order to be canceled; the venue decides').argument('<order>', 'order id', orderId).requiredOption('--reason <text>', 'recorded with the cancel')
    .addHelpText('after', '\nExamples:\n  tally order cancel <order> --reason "wrong symbol"')
    .action(run((context, [id = ''], flags: { readonly reason: string }) => cancel(context, id, flags)));
};
