import type { AccountViewV1, PageV1, PositionViewV1 } from '@tallystick/contracts';
import type { Command } from 'commander';
import { shown, wholeNumber, type Context, type Run, type WatchFlags } from '../context.ts';
import { timeText, type Cell, type Output } from '../output.ts';

interface PositionFlags extends WatchFlags {
  readonly account?: string;
  readonly strategy?: string;
  readonly symbol?: string;
  readonly limit?: string;
  readonly cursor?: string;
  readonly asOf?: string;
  readonly all?: boolean;
}

const money = (text: string | undefined): Cell => ({ text: text ?? '-', ...(text === undefined || !/[1-9]/.test(text) ? {} : { tone: text.startsWith('-') ? ('bad' as const) : ('good' as const) }) });

const isOpen = ({ qty }: PositionViewV1): boolean => /[1-9]/.test(qty);

/** Our quantity beside the venue's, where it has said one. */
const venueCell = ({ qty, venue_qty: venue }: PositionViewV1): Cell => (venue === undefined ? { text: '-' } : { text: venue, ...(venue === qty ? {} : { tone: 'warn' as const }) });

const listPositions = (context: Context, { asOf, watch, all, ...query }: PositionFlags): Promise<void> => {
  const { out, api } = context;
  return shown(context, watch === undefined ? {} : { watch }, () => api.get<PageV1<PositionViewV1>>('/v1/positions', { ...query, as_of: asOf }), ({ items, next, position }) => {
    const rows = all === true ? items : items.filter(isOpen);
    if (rows.length === 0) return out.note(items.length === 0 ? 'No positions: nothing has been filled yet.' : 'No open positions; --all shows the closed ones with what they realised.');
    out.table(rows, [
      { head: 'ACCOUNT', of: (row) => row.account }, { head: 'STRATEGY', of: (row) => row.strategy ?? '(all)' }, { head: 'SYMBOL', of: (row) => row.symbol },
      { head: 'QTY', right: true, of: (row) => row.qty }, { head: 'VENUE', right: true, of: venueCell }, { head: 'AVG PRICE', right: true, of: (row) => row.avg_price },
      { head: 'MARK', right: true, of: (row) => row.mark ?? '-' }, { head: 'UNREALISED', right: true, of: (row) => money(row.unrealised_pnl) }, { head: 'REALISED', right: true, of: (row) => money(row.realised_pnl) },
      { head: 'FEES', right: true, of: (row) => row.fees }, { head: 'CCY', of: (row) => row.currency },
    ]);
    out.note(`${rows.length} positions at position ${position} of the log${next === undefined ? '' : `; more: --cursor ${next}`}`);
  });
};

const showOne = (out: Output, account: AccountViewV1): void => {
  out.facts([
    ['account', `${account.account} (${account.mode}, ${account.venue}, risk group ${account.risk_group})`], ['trading day', account.trading_day], ['cash', account.cash && `${account.cash} ${account.base_currency}`],
    ['equity', account.equity && `${account.equity} ${account.base_currency}`], ['exposure', account.exposure === undefined ? 'unknown: something held has no mark' : `${account.exposure} ${account.base_currency}`],
    ['open', `${account.open_notional} ${account.base_currency} in ${account.open_orders} orders`], ['in doubt', account.in_doubt_orders === 0 ? undefined : { text: `${account.in_doubt_orders} orders`, tone: 'warn' }],
    ['filled today', `${account.filled_notional_today} ${account.base_currency}`], ['policy', account.policy_hash.slice(0, 16)],
  ]);
  out.table(account.limits, [
    { head: 'LIMIT', of: (limit) => limit.code }, { head: 'SCOPE', of: (limit) => limit.scope }, { head: 'USED', right: true, of: (limit) => limit.used ?? 'unknown' }, { head: 'OF', right: true, of: (limit) => limit.limit },
    { head: 'HEADROOM', right: true, of: (limit) => ({ text: limit.headroom ?? '-', ...(limit.headroom?.startsWith('-') === true ? { tone: 'bad' as const } : {}) }) }, { head: 'UNIT', of: (limit) => limit.unit },
  ]);
};

const showAccount = async (context: Context, account: string | undefined, { asOf, watch }: WatchFlags & { readonly asOf?: string }): Promise<void> => {
  const { out, api } = context;
  if (account !== undefined) {
    return shown(context, watch === undefined ? {} : { watch }, () => api.get<{ readonly account: AccountViewV1; readonly position: string }>(`/v1/accounts/${encodeURIComponent(account)}`, { as_of: asOf }), (answer) => {
      showOne(out, answer.account);
      out.note(`as of position ${answer.position}`);
    });
  }
  return shown(context, watch === undefined ? {} : { watch }, () => api.get<PageV1<AccountViewV1>>('/v1/accounts', { as_of: asOf }), ({ items, position }) => {
    if (items.length === 0) return out.note('No accounts: no policy names any yet. tally status shows the policy in force.');
    out.table(items, [
      { head: 'ACCOUNT', of: (row) => row.account }, { head: 'MODE', of: (row) => row.mode }, { head: 'VENUE', of: (row) => row.venue }, { head: 'GROUP', of: (row) => row.risk_group },
      { head: 'CASH', right: true, of: (row) => row.cash ?? '-' }, { head: 'EQUITY', right: true, of: (row) => row.equity ?? '-' }, { head: 'EXPOSURE', right: true, of: (row) => row.exposure ?? '-' },
      { head: 'OPEN ORDERS', right: true, of: (row) => String(row.open_orders) }, { head: 'IN DOUBT', right: true, of: (row) => ({ text: String(row.in_doubt_orders), ...(row.in_doubt_orders === 0 ? {} : { tone: 'warn' as const }) }) },
    ]);
    out.note(`limits and headroom: tally account show ${items[0]?.account ?? '<account>'}; as of position ${position}, ${timeText(context.around.nowMs())}`);
  });
};

export const holdingCommands = (program: Command, run: Run): void => {
  program.command('position').description('what is held, and what it has earned').command('list').description('positions per account and per strategy')
    .option('--account <id>').option('--strategy <id>').option('--symbol <symbol>').option('--all', 'closed ones too').option('--limit <n>', 'at most so many', wholeNumber('--limit')).option('--cursor <cursor>', 'the next page')
    .option('--as-of <when>', 'a log position or a time, as 2013-10-08T14:30:00Z').option('--watch', 'show changes as they come')
    .addHelpText('after', '\nExamples:\n  tally position list --account paper-1\n  tally position list --as-of 2013-10-08T15:00:00Z\n  tally position list --all --json')
    .action(run((context, _args, flags: PositionFlags) => listPositions(context, flags)));
  program.command('account').description('accounts: cash, exposure and every limit').command('show').description('one account, or all of them').argument('[account]', 'all without one')
    .option('--as-of <when>', 'a log position or a time').option('--watch', 'show changes as they come')
    .addHelpText('after', '\nExamples:\n  tally account show\n  tally account show paper-1 --watch')
    .action(run((context, [account], flags: WatchFlags & { readonly asOf?: string }) => showAccount(context, account, flags)));
};
