import { services } from './services.ts';
import { trading } from './trading.ts';
import type { DashboardSpec } from './build.ts';

/** Files below deploy/grafana/dashboards, by name. */
export const DASHBOARDS: Readonly<Record<string, DashboardSpec>> = { 'trading.json': trading, 'services.json': services };
