import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { damaged, errorText } from '../errors.ts';
import { dropSidecars } from '../index/sidecar.ts';
import type { StoreLog } from '../log.ts';
import { SEGMENT_HEADER_BYTES } from './format.ts';
import type { Unverified } from './recover.ts';
import { scanSegment } from './scan.ts';

/** One read and its CRC: half a millisecond of the event loop. */
const BLOCK_BYTES = 1024 * 1024;
/** Between blocks, for whoever else wants processor and disk: some hundred MB a second are left to this. */
const PAUSE_MS = 1;

export interface VerificationOptions {
  readonly dataDir: string;
  readonly unverified: readonly Unverified[];
  readonly log: StoreLog;
  /** A byte of the log is not what was written. The store must not go on: the next start will refuse it, too. */
  readonly onDamage: (error: Error) => void;
}

/**
 * Compares what a start took on trust with the CRCs of the sidecars, beside the running server and once. A record is verified
 * whenever it is read as well, so nothing damaged is served in the meantime; this finds what nobody reads.
 */
export class Verification {
  private readonly options: VerificationOptions;
  private isStopped = false;
  /** Resolves when all is verified, damage was reported or it was stopped. Never rejects. */
  readonly finished: Promise<void>;

  constructor(options: VerificationOptions) {
    this.options = options;
    this.finished = this.run();
  }

  stop(): void {
    this.isStopped = true;
  }

  private async run(): Promise<void> {
    const { unverified, log, onDamage } = this.options;
    if (unverified.length === 0) return;
    const startedMs = performance.now();
    let bytes = 0;
    for (const one of unverified) {
      try {
        const crc = await this.crcOf(one);
        if (this.isStopped) return;
        if (crc !== one.crc) this.explain(one);
      } catch (error) {
        onDamage(error instanceof Error ? error : new Error(errorText(error)));
        return;
      }
      bytes += one.coveredBytes;
    }
    log.write('info', 'store_verified', { bytes, took_ms: Math.round(performance.now() - startedMs) });
  }

  private async crcOf({ segment, coveredBytes }: Unverified): Promise<number> {
    // A file handle of its own: the store's may be closed while a read is under way.
    const file = await open(segment.path, 'r');
    try {
      const block = Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, coveredBytes));
      let crc = 0;
      for (let at = SEGMENT_HEADER_BYTES; at < coveredBytes && !this.isStopped; ) {
        const { bytesRead } = await file.read(block, 0, Math.min(block.length, coveredBytes - at), at);
        if (bytesRead === 0) break;
        crc = crc32(block.subarray(0, bytesRead), crc);
        at += bytesRead;
        await delay(PAUSE_MS, undefined, { ref: false });
      }
      return crc;
    } finally {
      await file.close();
    }
  }

  /** Throws `STORE_DAMAGED` with the place. Without its sidecar the segment is read record by record by the next start. */
  private explain({ segment, coveredBytes }: Unverified): void {
    const { dataDir, log } = this.options;
    dropSidecars(dataDir, segment.number);
    const { header } = segment;
    const start = { from: SEGMENT_HEADER_BYTES, crc: 0, chain: header.chain, firstEvent: header.eventsBefore };
    const { end, problem } = scanSegment({ ...segment, length: coveredBytes }, start, () => undefined);
    if (problem !== undefined) throw damaged(`${segment.path} at byte ${end}`, problem);
    log.write('warn', 'store_sidecar_wrong', { segment: segment.number, detail: 'every record is whole: the CRC beside them was not' });
  }
}
