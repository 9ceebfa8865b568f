/** `node libs/testing/dist/dashboards/main.js` writes deploy/grafana/dashboards. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dashboardText } from './build.ts';
import { DASHBOARDS } from './index.ts';

const dir = join(import.meta.dirname, '../../../../deploy/grafana/dashboards');
mkdirSync(dir, { recursive: true });
for (const [name, spec] of Object.entries(DASHBOARDS)) writeFileSync(join(dir, name), dashboardText(spec));
