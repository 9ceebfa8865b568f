import { LegendDisplayMode, LegendPlacement, VizLegendOptionsBuilder } from '@grafana/grafana-foundation-sdk/common';
import { DashboardBuilder, RowBuilder, type Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

export interface Query {
  readonly expr: string;
  /** Grafana's legend text, such as `{{outcome}}`. */
  readonly legend: string;
}

export interface PanelSpec {
  readonly title: string;
  /** What to read from it, for whoever looks at it at night. */
  readonly says: string;
  /** Grafana's unit id: `ops`, `ms`, `short`, `bytes`, `percentunit`, `s`. */
  readonly unit: 'ops' | 'ms' | 'short' | 'bytes' | 'percentunit' | 's';
  readonly queries: readonly Query[];
}

export interface DashboardSpec {
  readonly uid: string;
  readonly title: string;
  readonly rows: readonly { readonly title: string; readonly panels: readonly PanelSpec[] }[];
}

/** As provisioned in deploy/grafana/provisioning/datasources. */
const DATASOURCE = { type: 'prometheus', uid: 'tally-prometheus' };
/** Grafana's grid is 24 wide: three panels side by side. */
const PANEL_WIDTH = 8;
const PANEL_HEIGHT = 8;

const legend = (): VizLegendOptionsBuilder => new VizLegendOptionsBuilder().displayMode(LegendDisplayMode.List).placement(LegendPlacement.Bottom).showLegend(true);

const panelOf = ({ title, says, unit, queries }: PanelSpec, id: number): PanelBuilder => {
  const panel = new PanelBuilder().id(id).title(title).description(says).unit(unit).min(0).datasource(DATASOURCE).legend(legend()).span(PANEL_WIDTH).height(PANEL_HEIGHT);
  for (const [i, { expr, legend }] of queries.entries()) panel.withTarget(new DataqueryBuilder().refId(String.fromCharCode(65 + i)).expr(expr).legendFormat(legend).datasource(DATASOURCE));
  return panel;
};

/** The dashboard as Grafana reads it. */
export const buildDashboard = ({ uid, title, rows }: DashboardSpec): Dashboard => {
  const dashboard = new DashboardBuilder(title).uid(uid).tags(['tallystick']).readonly().timezone('utc').refresh('5s').time({ from: 'now-30m', to: 'now' });
  let id = 0;
  for (const row of rows) {
    dashboard.withRow(new RowBuilder(row.title).id((id += 1)));
    for (const panel of row.panels) dashboard.withPanel(panelOf(panel, (id += 1)));
  }
  return dashboard.build();
};

/** The bytes that are committed. */
export const dashboardText = (spec: DashboardSpec): string => `${JSON.stringify(buildDashboard(spec), null, 2)}\n`;
