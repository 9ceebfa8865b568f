/**
 * npm test: build and type check, then lint and every project's tests through nx, which skips what has not changed.
 *
 * The last line is the sum over all projects, cached ones included: `12 passed, 0 failed`. A failed build or lint, a spec
 * file that could not run, a spec file nobody ran and a project without results each count as one failure more.
 */
import { spawn } from 'node:child_process';
import { existsSync, globSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build, natsServer, root } from './lib/steps.mjs';
import { Refusal, step } from './lib/progress.mjs';

const RESULTS = '.jest-results.json';
const projects = globSync('{libs,apps}/*/package.json', { cwd: root })
  .map((file) => file.slice(0, -'/package.json'.length))
  .sort();
const total = { passed: 0, failed: 0, skipped: 0 };
const complaints = [];
const complain = (text) => {
  total.failed += 1;
  complaints.push(text);
};

async function check(name, work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    complain(`${name}: ${error.message}`);
  }
}

function nx(...args) {
  // nx asks its tasks for colours even where nobody sees them.
  const env = process.stdout.isTTY ? process.env : { ...process.env, FORCE_COLOR: process.env.FORCE_COLOR ?? '0' };
  const child = spawn(process.execPath, [join(root, 'node_modules/nx/dist/bin/nx.js'), ...args], { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((resolve, reject) => child.once('error', reject).once('close', (code, signal) => resolve(code ?? signal)));
}

function count(project) {
  const specs = globSync('src/**/*.spec.ts', { cwd: join(root, project) });
  const file = join(root, project, RESULTS);
  if (!existsSync(file)) return complain(`${project}: no test results`);
  const results = JSON.parse(readFileSync(file, 'utf8'));
  total.passed += results.numPassedTests;
  total.failed += results.numFailedTests;
  total.skipped += results.numPendingTests + results.numTodoTests;
  // By the path inside the checkout: cached results may have been made when it stood elsewhere.
  const titleOf = (suite) => suite.name.replaceAll('\\', '/').slice(suite.name.lastIndexOf(`/${project}/src/`) + 1);
  const ran = new Set(results.testResults.map(titleOf));
  for (const spec of specs) {
    if (!ran.has(`${project}/${spec}`)) complain(`${project}/${spec}: was not run`);
  }
  for (const suite of results.testResults) {
    const title = titleOf(suite);
    const failures = suite.assertionResults.filter((test) => test.status === 'failed');
    for (const test of failures) complaints.push(`${title}: ${test.fullName}`);
    if (suite.status === 'failed' && failures.length === 0) complain(`${title}: could not run`);
    else if (suite.assertionResults.length === 0) complain(`${title}: holds no test`);
  }
  if (!results.success && results.numFailedTests + results.numFailedTestSuites === 0) complain(`${project}: jest reports failure`);
}

await check('nats-server', natsServer);
await check('build', build);

// Results of an earlier run must not stand in for this one. nx puts those of unchanged projects back.
for (const project of projects) rmSync(join(root, project, RESULTS), { force: true });
// One after the other, so that lint does not slow down tests that measure time.
const lint = await step('[4/4] lint', () => nx('run', 'tallystick:lint'));
if (lint !== 0) complain('lint: findings above');
const tests = await step('[4/4] tests', () => nx('run-many', '-t', 'test'));

const before = total.failed;
for (const project of projects) count(project);
if (tests !== 0 && total.failed === before) complain(`tests: nx ended with ${tests}`);
if (total.passed + total.failed + total.skipped === 0) complain('no test ran at all');

if (complaints.length > 0) console.log(`\nFailed:\n${complaints.map((text) => `  ${text}`).join('\n')}\n`);
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
process.exitCode = total.failed === 0 ? 0 : 1;
