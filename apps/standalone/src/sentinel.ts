import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Reads `+ group` and `- group`; at the end of its input, which is the end of whoever holds the other end, however it came, it
 * kills every group that is left, and then the strategies: those outlive their supervisor by design, and are known by the
 * installation in their environment. A shell: nothing smaller is everywhere, and nats-server can watch nobody by itself.
 */
const SCRIPT = `trap '' INT TERM HUP
groups=' '
while read -r sign group; do
  case $sign in
    +) groups="$groups$group " ;;
    -) before=\${groups%% $group *}; after=\${groups#* $group }; case $groups in *" $group "*) groups="$before $after" ;; esac ;;
  esac
done
for group in $groups; do kill -9 "-$group" 2>/dev/null; done
for environ in /proc/[0-9]*/environ; do
  if grep -qzxF "TALLY_INSTALLATION=$1" "$environ" 2>/dev/null; then
    pid=\${environ#/proc/}; kill -9 "\${pid%/environ}" 2>/dev/null
  fi
done
exit 0
`;

/** Somebody who kills it again and again is let to have no more than this. */
const AGAIN_MS = 100;
/** A walk over /proc on a busy machine. */
const CLOSE_MS_MAX = 2_000;

/** Sees to it that no child outlives this process, even if it is killed with SIGKILL. */
export class Sentinel {
  private readonly groups = new Set<number>();
  private shell: ChildProcess | undefined;
  private closed = false;

  /** `installation`: what strategies carry as TALLY_INSTALLATION. */
  constructor(
    private readonly installation: string,
    private readonly onFailed: (detail: string) => void,
  ) {
    this.start();
  }

  get pid(): number | undefined {
    return this.shell?.pid;
  }

  /** `group`: the pid of a child that leads a process group of its own. */
  guard(group: number): void {
    this.groups.add(group);
    this.say(`+ ${group}`);
  }

  release(group: number): void {
    if (this.groups.delete(group)) this.say(`- ${group}`);
  }

  /** Everything still guarded is killed. Resolves when that is done. */
  async close(): Promise<void> {
    const { shell } = this;
    this.closed = true;
    if (!shell || shell.exitCode !== null || shell.signalCode !== null) return;
    const gone = new Promise((resolve) => shell.once('exit', resolve));
    shell.stdin?.end();
    await Promise.race([gone, delay(CLOSE_MS_MAX, undefined, { ref: false })]);
    shell.unref();
  }

  private start(): void {
    if (this.closed) return;
    const shell = spawn('/bin/sh', ['-c', SCRIPT, 'tallystick-sentinel', this.installation], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    this.shell = shell;
    shell.stdin.on('error', (error) => this.onFailed(error.message));
    shell.once('error', (error) => this.onFailed(error.message));
    // Somebody killed it: the children are to be guarded again.
    shell.once('exit', () => setTimeout(() => this.start(), AGAIN_MS).unref());
    for (const group of this.groups) this.say(`+ ${group}`);
  }

  private say(line: string): void {
    if (this.shell?.stdin?.writable === true) this.shell.stdin.write(`${line}\n`);
  }
}
