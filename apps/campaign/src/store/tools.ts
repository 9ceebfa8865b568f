import { spawn } from 'node:child_process';

/** Of a tool of the system: none of them has more to do than that. */
const TOOL_MS_MAX = 300_000;

export interface ToolEnd {
  /** -1: it could not be started. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a tool of the system to its end. Never rejects. */
export const runTool = (command: string, args: readonly string[]): Promise<ToolEnd> =>
  new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: TOOL_MS_MAX });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
    child.once('error', (error) => resolve({ code: -1, stdout, stderr: error.message }));
    child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
