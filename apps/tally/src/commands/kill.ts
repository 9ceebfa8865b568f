import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KillReceiptV1, KillReleaseReceiptV1, KillStatusV1, KillViewV1 } from '@tallystick/contracts';
import type { Command } from 'commander';
import { shown, type Context, type Run, type WatchFlags } from '../context.ts';
import { CliError, EXIT, usage } from '../errors.ts';
import { stateCell, timeText, type Output } from '../output.ts';

interface EngageFlags {
  readonly scope?: string;
  readonly mode?: string;
  readonly cancel?: boolean;
  readonly reason?: string;
  readonly drill?: boolean;
  readonly file?: boolean;
}

const SCOPE = /^(firm|(account|strategy|instrument|venue):\S{1,64})$/;
const MODES = ['stop_new', 'stop_and_cancel', 'flatten'];

const scopeOf = (argument: string | undefined, flag: string | undefined): string => {
  if (argument !== undefined && flag !== undefined && argument !== flag) throw usage('the scope is given twice');
  const scope = argument ?? flag;
  if (scope === undefined) throw usage('name a scope', 'firm, account:<id>, strategy:<id>, instrument:<symbol> or venue:<id>');
  if (!SCOPE.test(scope)) throw usage(`${JSON.stringify(scope)} is no scope`, 'firm, account:<id>, strategy:<id>, instrument:<symbol> or venue:<id>');
  return scope;
};

const modeOf = ({ mode, cancel }: EngageFlags): string => {
  const asked = mode?.replaceAll('-', '_') ?? (cancel === true ? 'stop_and_cancel' : 'stop_new');
  if (!MODES.includes(asked)) throw usage(`${JSON.stringify(mode)} is no mode`, 'stop_new or stop_and_cancel');
  return asked;
};

/** With what a file that is there asks for already; where that is not one of ours, or has another mode, all of it is stopped. */
const fileWith = (path: string, scope: string, mode: string): { readonly scopes: readonly string[]; readonly mode: string } => {
  if (!existsSync(path)) return { scopes: [scope], mode };
  try {
    const known = JSON.parse(readFileSync(path, 'utf8')) as { readonly scopes?: unknown; readonly mode?: unknown };
    if (known.mode === mode && Array.isArray(known.scopes)) return { scopes: [...new Set([...(known.scopes as string[]), scope])], mode };
  } catch {
    // Written by hand: whatever it says, the firm is not less.
  }
  return { scopes: ['firm'], mode };
};

/** Whole or not at all: an executor that saw half of it would stop more than was asked. */
const engageByFile = ({ out, settings, around }: Context, scope: string, mode: string): void => {
  const path = around.env['TALLY_KILL_FILE'] ?? (settings.dataDir === undefined ? undefined : join(settings.dataDir, 'kill'));
  if (path === undefined) throw usage('where the kill file belongs is not known', 'name the data directory of the execution host with --data, or set TALLY_KILL_FILE');
  if (mode === 'flatten') throw usage('the file does not flatten', 'stop_new or stop_and_cancel');
  try {
    writeFileSync(`${path}.new`, `${JSON.stringify(fileWith(path, scope, mode))}\n`);
    renameSync(`${path}.new`, path);
  } catch (error) {
    rmSync(`${path}.new`, { force: true });
    throw new CliError({ code: 'KILL_FILE_NOT_WRITTEN', message: error instanceof Error ? error.message : String(error), fix: `write it by any means: touch ${path}`, exit: EXIT.failed });
  }
  if (out.json) return out.data({ version: 1, status: 'file_written', path, scope, mode });
  out.line(`${path} is written: executors of this host send nothing of ${scope}`);
  out.note(`it needs neither store nor bus; remove it before you release: rm ${path}`);
};

const engage = async (context: Context, argument: string | undefined, flags: EngageFlags): Promise<void> => {
  const { out, api, around } = context;
  const scope = scopeOf(argument, flags.scope);
  const mode = modeOf(flags);
  if (flags.file === true) return engageByFile(context, scope, mode);
  if (flags.reason === undefined) throw usage('say why', 'add --reason "..."; it is recorded');
  const { body } = await api.send<KillReceiptV1>('POST', '/v1/kill', {
    body: { version: 1, scope, mode, reason: flags.reason, ...(flags.drill === true ? { drill: true } : {}) }, headers: { 'idempotency-key': around.uuid() },
  });
  if (out.json) return out.data(body);
  if (body.warning !== undefined) out.note(`warning: ${body.warning}`);
  if (body.status === 'drilled') {
    out.line(`drill of ${body.scope} (${body.mode}): it would act on ${body.orders ?? 0} orders; nothing was stopped`);
    out.table(body.would_act_on ?? [], [{ head: 'ORDER', of: (order) => order.order_id }, { head: 'STATUS', of: (order) => stateCell(order.status) }]);
    return;
  }
  if (body.status === 'already_engaged') out.line(`${body.scope} is engaged already (${body.mode}) by ${body.engaged_by}: ${body.reason}`);
  else out.line(`${body.scope} is engaged (${body.mode})`);
  out.note('who holds it and what is left: tally kill status --watch');
};

const release = async ({ out, api, around }: Context, argument: string | undefined, flags: { readonly scope?: string; readonly reason: string }): Promise<void> => {
  const scope = scopeOf(argument, flags.scope);
  const { body } = await api.send<KillReleaseReceiptV1>('POST', '/v1/kill/release', { body: { version: 1, scope, reason: flags.reason }, headers: { 'idempotency-key': around.uuid() } });
  if (out.json) return out.data(body);
  if (body.status === 'released') out.line(`${scope} is released by ${body.operators.join(' and ')}`);
  else {
    out.line(`release of ${scope} is proposed by ${body.operators.join(', ')}; it is still engaged`);
    out.note(`another operator must say the same before ${timeText(body.expires_at_ms ?? 0)}: tally kill release ${scope} --reason "..."`);
  }
};

const leftText = ({ left, left_count: count }: KillViewV1): string => (count === 0 ? 'nothing' : `${count}: ${left.slice(0, 5).join(' ')}${count > 5 ? ' …' : ''}`);

const showKill = (out: Output, kill: KillViewV1): void => {
  out.facts([
    ['scope', { text: kill.scope, tone: 'bad' }], ['mode', kill.mode], ['why', kill.reason], ['engaged by', `${kill.engaged_by} (${kill.via}), ${timeText(kill.requested_at_ms)}`],
    ['held by', kill.acknowledged.length === 0 ? { text: 'no executor has said so yet', tone: 'bad' } : kill.acknowledged.map(({ instance, after_ms: ms }) => `${instance} after ${ms} ms`).join(', ')],
    ['orders', `${kill.canceled} canceled, ${kill.withheld} withheld, ${kill.ended_otherwise} ended otherwise, ${kill.working} working, ${kill.in_doubt} in doubt, ${kill.waiting} waiting`],
    ['left', kill.left_count === 0 ? leftText(kill) : { text: leftText(kill), tone: 'warn' }], ['complete', kill.complete ? { text: 'yes', tone: 'good' } : { text: 'no', tone: 'warn' }],
    ['release', kill.release && `proposed by ${kill.release.proposed_by} (${kill.release.reason}), until ${timeText(kill.release.expires_at_ms)}`], ['kill id', kill.kill_id],
  ]);
};

const status = (context: Context, { watch }: WatchFlags): Promise<void> =>
  shown(context, watch === undefined ? {} : { watch }, () => context.api.get<KillStatusV1>('/v1/kill'), ({ readable, file, kills, position }) => {
    const { out } = context;
    if (!readable) out.line('the kill switch cannot be read: nothing is sent');
    if (file) out.line('the kill file is there');
    if (readable && !file && kills.length === 0) out.line('nothing is engaged');
    for (const [n, kill] of kills.entries()) {
      if (n > 0) out.line();
      showKill(out, kill);
    }
    out.note(`as of position ${position}`);
  });

export const killCommands = (program: Command, run: Run): void => {
  const kill = program.command('kill').description('the kill switch: stop a scope, see what is left, release it by two');
  kill.command('engage').description('stop a scope; one person, one step').argument('[scope]', 'firm, account:<id>, strategy:<id>, instrument:<symbol> or venue:<id>')
    .option('-s, --scope <scope>', 'the same as the argument').option('-m, --mode <mode>', 'stop_new (default) or stop_and_cancel').option('-c, --cancel', 'short for --mode stop_and_cancel')
    .option('-r, --reason <text>', 'recorded with it').option('--drill', 'show what it would act on; record the drill; stop nothing')
    .option('--file', 'write the kill file of this host: works with gateway, store and bus dead')
    .addHelpText('after', '\nExamples:\n  tally kill engage firm -c -r "runs away"\n  tally kill engage --scope account:paper-1 --mode stop_and_cancel --reason "wrong prices"\n  tally kill engage strategy:basket -c --drill -r "monthly drill"\n  tally kill engage firm --file')
    .action(run((context, [scope], flags: EngageFlags) => engage(context, scope, flags)));
  kill.command('release').description('propose a release, or agree to that of another operator').argument('[scope]', 'what is engaged').option('-s, --scope <scope>', 'the same as the argument')
    .requiredOption('-r, --reason <text>', 'recorded with it')
    .addHelpText('after', '\nExamples:\n  tally kill release account:paper-1 -r "prices are right again"')
    .action(run((context, [scope], flags: { readonly scope?: string; readonly reason: string }) => release(context, scope, flags)));
  kill.command('status').description('what is engaged, who holds it, what is left').option('--watch', 'show changes as they come')
    .addHelpText('after', '\nExamples:\n  tally kill status\n  tally kill status --watch\n  tally kill status --json | jq .kills[].complete')
    .action(run((context, _args, flags: WatchFlags) => status(context, flags)));
};
