import { decimal, type Decimal } from '@tallystick/domain';
import { paint, seconds, type Screen } from './progress.ts';
import type { Summary } from './summary.ts';

/** A simulated market is always said to be one. */
export const marketName = ({ source, simulated }: { readonly source: string; readonly simulated: boolean }): string => (simulated ? `simulated market (${source})` : source);

const money = (text: string, places = 2): string => {
  const value: Decimal = decimal(text);
  const [whole = '', part = ''] = value.abs().round(places, 2).toFixed(places).split('.');
  return `${value.lt(decimal('0')) ? '-' : ''}${whole.replace(/\B(?=(\d{3})+$)/g, ',')}${part === '' ? '' : `.${part}`}`;
};

const table = (head: readonly string[], rows: readonly (readonly string[])[], leftColumns: number): readonly string[] => {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: readonly string[]): string => cells.map((cell, i) => (i < leftColumns ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ').trimEnd();
  return [line(head), ...rows.map(line)];
};

const counts = (values: Readonly<Record<string, number>>): string => Object.entries(values).map(([name, n]) => `${name} ${n}`).join(', ');

const reasonLines = ({ reasons }: Summary): readonly string[] =>
  (['refused', 'denied', 'withheld', 'rejected'] as const).filter((kind) => Object.keys(reasons[kind]).length > 0)
    .map((kind) => `  ${kind.padEnd(10)} ${counts(reasons[kind])}`);

/** For people, on a terminal or in a log. */
export const summaryText = (summary: Summary, screen: Screen): string => {
  const { intents, orders, fills, positions, pnl, checks, market } = summary;
  const title = (text: string): string => paint(screen, 'bold', text);
  const restarts = counts(summary.restarts);
  const reasons = reasonLines(summary);
  return [
    '',
    title(`${marketName(market)}, ${market.days.join(', ')}, ${market.symbols.join(' ')}: ${summary.turns} turns in ${seconds(summary.took_ms)}`),
    ...(restarts === '' ? [] : [`restarted  ${restarts}`]),
    `intents    ${intents.accepted} accepted, ${intents.refused} refused, ${intents.conflicts} conflicts, ${intents.malformed} malformed`,
    `orders     ${orders.total}: ${counts(orders.by_state)}`,
    `fills      ${fills.count}, worth ${money(fills.notional)}; ${fills.partially_filled_orders} orders filled in parts`,
    ...(reasons.length === 0 ? [] : ['', title('Reasons'), ...reasons]),
    '', title('Positions'),
    ...(positions.length === 0 ? ['  none'] : table(['account', 'symbol', 'qty', 'avg price', 'mark', 'realised', 'unrealised', 'fees'], positions.map((line) => [
      line.account, line.symbol, line.qty, money(line.avg_price, 4), line.mark === undefined ? '-' : money(line.mark, 4), money(line.realised_pnl),
      line.unrealised_pnl === undefined ? '-' : money(line.unrealised_pnl), money(line.fees),
    ]), 2).map((row) => `  ${row}`)),
    '', title('P&L'),
    ...(pnl.length === 0 ? ['  none'] : table(['account', 'currency', 'realised', 'unrealised', 'fees', 'net'],
      pnl.map((line) => [line.account, line.currency, money(line.realised), money(line.unrealised), money(line.fees), money(line.net)]), 2).map((row) => `  ${row}`)),
    '', title('Checks'),
    ...checks.map(({ name, ok, detail }) => `  ${ok ? paint(screen, 'green', '✔') : paint(screen, 'red', '✘')} ${name}: ${detail}`),
    '', `digest     ${summary.digest}`, '',
  ].join('\n');
};
