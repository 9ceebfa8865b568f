import type { Query } from './build.ts';

/** Long enough to hold several scrapes, short enough to see a minute's trouble within it. */
const WINDOW = '1m';

/** How often per second, by one label. */
export const rateBy = (counter: string, label: string, selector = ''): Query => ({ expr: `sum by (${label}) (rate(${counter}${selector}[${WINDOW}]))`, legend: `{{${label}}}` });

/** How many in the time shown, by one label: a rate of something rare is unreadable. The first event counts too: its series begins at 1. */
export const countBy = (counter: string, label: string): Query => ({ expr: `sum by (${label}) (${counter})`, legend: `{{${label}}}` });

/** p50 and p99 of a histogram in its own unit, apart by `label` where one is given. */
export const quantiles = (histogram: string, label?: string): readonly Query[] => [0.5, 0.99].map((quantile) => ({
  expr: `histogram_quantile(${quantile}, sum by (le${label === undefined ? '' : `, ${label}`}) (rate(${histogram}_bucket[${WINDOW}])))`,
  legend: `${label === undefined ? '' : `{{${label}}} `}p${quantile * 100}`,
}));
