import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Reads `+ group` and `- group`; at the end of its input, which is the end of whoever holds the other end, however it came, it
 * kills every group that is left. A shell: nothing smaller is everywhere, and nats-server can watch nobody by itself.
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
`;

const AGAIN_MS = 100;

/** Sees to it that no child outlives this process, even if it is killed with SIGKILL. */
export class Sentinel {
  private readonly groups = new Set<number>();
  private shell: ChildProcess | undefined;
  private closed = false;

  constructor(private readonly onFailed: (detail: string) => void) {
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

  /** Everything still guarded is killed. */
  close(): void {
    this.closed = true;
    this.shell?.stdin?.end();
    this.shell?.unref();
  }

  private start(): void {
    if (this.closed) return;
    const shell = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    this.shell = shell;
    shell.stdin.on('error', (error) => this.onFailed(error.message));
    shell.once('error', (error) => this.onFailed(error.message));
    // Someone killed it: the children are to be guarded again.
    shell.once('exit', () => {
      setTimeout(() => this.start(), AGAIN_MS).unref();
    });
    for (const group of this.groups) this.say(`+ ${group}`);
  }

  private say(line: string): void {
    if (this.shell?.stdin?.writable === true) this.shell.stdin.write(`${line}\n`);
  }
}
