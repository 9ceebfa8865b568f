import { closeSync, existsSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Two files a process, this much each: enough to find what went wrong, and a week of it fills no disk. */
const BYTES_MAX = 16 * 1024 * 1024;

/** A child's output. The run before is kept as `.1`; so is the first part of this one when it grows too long. */
export class LogFile {
  private fd: number | undefined;
  private bytes = 0;

  constructor(
    readonly path: string,
    private readonly onFailed: (error: unknown) => void,
    private readonly bytesMax = BYTES_MAX,
  ) {
    mkdirSync(dirname(path), { recursive: true });
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0) renameSync(path, `${path}.1`);
  }

  /** Never throws: a full disk must not stop what is being logged. */
  write(chunk: string | Uint8Array): void {
    try {
      if (this.bytes > this.bytesMax) this.rotate();
      this.fd ??= openSync(this.path, 'a', 0o600);
      this.bytes += typeof chunk === 'string' ? writeSync(this.fd, chunk) : writeSync(this.fd, chunk);
    } catch (error) {
      this.onFailed(error);
    }
  }

  close(): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
  }

  private rotate(): void {
    this.close();
    if (existsSync(this.path)) renameSync(this.path, `${this.path}.1`);
    this.bytes = 0;
  }
}
