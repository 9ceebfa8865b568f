import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, fsyncSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** Runs a program; undefined when it did what it should, else what it said. */
function refusal(program: string, args: readonly string[]): string | undefined {
  const { error, status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (error !== undefined) return error.message;
  return status === 0 ? undefined : `${program}: ${stderr.trim() || `exit code ${status}`}`;
}

function must(program: string, args: readonly string[]): void {
  const said = refusal(program, args);
  if (said !== undefined) throw new Error(said);
}

/** A file system of its own, for a store that shall run out of it or lose the right to write. */
export class SmallDisk {
  readonly dir: string;
  /** Where the store's files are to lie. */
  readonly dataDir: string;
  private readonly mountPoint: string;
  private readonly image: string | undefined;

  private constructor(dir: string, image: string | undefined) {
    this.dir = dir;
    this.image = image;
    this.mountPoint = join(dir, 'disk');
    this.dataDir = join(this.mountPoint, 'data');
    mkdirSync(this.mountPoint);
  }

  /** In memory, of so many bytes. Throws when this user may not mount. */
  static inMemory(bytes: number): SmallDisk {
    const disk = new SmallDisk(mkdtempSync(join(tmpdir(), 'small-disk-')), undefined);
    return disk.madeBy(() => must('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', disk.mountPoint]));
  }

  /** ext4 in a file, which goes read-only at the first error. Throws when this user may not mount, or there is no such program. */
  static ext4(bytes: number): SmallDisk {
    const dir = mkdtempSync(join(tmpdir(), 'small-disk-'));
    const image = join(dir, 'image');
    writeFileSync(image, '');
    truncateSync(image, bytes);
    const disk = new SmallDisk(dir, image);
    return disk.madeBy(() => {
      must('mkfs.ext4', ['-q', '-F', image]);
      disk.mount();
    });
  }

  /** Why disks of this kind cannot be made here; undefined when they can. */
  static refusal(make: () => SmallDisk): string | undefined {
    try {
      make().remove();
      return undefined;
    } catch (error) {
      return String((error as { message?: unknown }).message);
    }
  }

  /** Writes a file of zeros until only `leaveBytes` are free. */
  fill(leaveBytes: number): void {
    const path = join(this.mountPoint, 'ballast');
    const fd = openSync(path, 'a');
    const block = Buffer.alloc(4096);
    try {
      while (this.freeBytes() > leaveBytes) writeSync(fd, block);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  empty(): void {
    rmSync(join(this.mountPoint, 'ballast'), { force: true });
  }

  freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.mountPoint);
    return bavail * bsize;
  }

  /** Gives a disk in memory another size. */
  remount(bytes: number): void {
    must('mount', ['-o', `remount,size=${bytes}`, this.mountPoint]);
  }

  /** What the kernel does when it finds the file system damaged, by its own means for trying that. Throws when it has none. */
  goReadOnly(): void {
    const loop = spawnSync('losetup', ['--noheadings', '--output', 'NAME', '--associated', this.image!], { encoding: 'utf8' }).stdout.trim();
    const trigger = `/sys/fs/ext4/${basename(loop)}/trigger_fs_error`;
    if (loop === '' || !existsSync(trigger)) throw new Error(`${trigger} is not there`);
    writeFileSync(trigger, '1');
  }

  /** The server must have ended. */
  repair(): void {
    must('umount', [this.mountPoint]);
    // Exit code 1: errors were found and repaired, as they should be.
    spawnSync('e2fsck', ['-p', this.image!]);
    this.mount();
  }

  remove(): void {
    refusal('umount', [this.mountPoint]);
    rmSync(this.dir, { recursive: true, force: true });
  }

  private madeBy(make: () => void): this {
    try {
      make();
      return this;
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  private mount(): void {
    must('mount', ['-o', 'loop,errors=remount-ro', this.image!, this.mountPoint]);
  }
}
