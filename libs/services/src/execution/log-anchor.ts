import { anchorStream, factIdOf } from '@tallystick/contracts';
import { doubtLog, isAccepted, replaceAnchor, type AnchorEvent, type AnchorState, type KnownEvent, type LogDoubtCode } from '@tallystick/domain';
import { handle, load, type Loaded } from '@tallystick/event-sourcing';
import type { AnchorFile, Stop } from '@tallystick/ports';
import { ANCHOR_ROLE, anchorFolding } from '../shared/anchor.ts';
import { recordContext, type ServicePorts } from '../shared/service-ports.ts';
import { readAnchor, spellAnchor } from './anchor-text.ts';
import { ASK_FIRST_MS } from './ask-first.ts';
import { knownOf, lookFor, newestOf } from './known-events.ts';

/** Why nothing may be sent. */
export interface AnchorHold {
  readonly code: string;
  readonly detail: string;
}

/** What was recorded since is what a log restored right after a crash could lack unnoticed; two syncs a second cost nothing beside the log's own. */
const KEEP_MS = 1_000;
/** An operator who has accepted looks at the status next. */
const LOOK_MS = 1_000;
/** A node of a cluster may lag behind the one that wrote: what is missing is missing when it was so often in a row. A doubt costs an operator. */
const LOOKS_BEFORE_DOUBT = 3;
/** What holds is said at once, and again so often. */
const NOTICE_LOOKS = 60;

const WHAT_TO_DO = 'nothing is sent until an operator accepts this log: docs/operations, "a restored log", then tally store accept --reason TEXT';

interface Doubt {
  readonly code: LogDoubtCode;
  readonly detail: string;
  readonly anchor_digest: string;
  readonly expected?: KnownEvent;
  readonly found?: KnownEvent;
}

/**
 * What this installation knows of the log, kept outside of it: the newest event, at most a second old, and exact after an orderly stop. A log
 * that lacks it is older than, or another than, the one that was traded on, and orders that it does not know of may be at the venue: then
 * nothing is sent until an operator accepts it. Works with any store; the log is one, so that one event stands for all before it.
 */
export class LogAnchor {
  private holding: AnchorHold | undefined = { code: 'ANCHOR_NOT_CHECKED', detail: 'whether this is the log that was traded on is not known yet' };
  private noted: KnownEvent | undefined;
  private kept: KnownEvent | undefined;
  private acceptedAtMs: number | undefined;
  private readonly startedAtMs: number;
  private notKept: string | undefined;
  private doubted = false;
  private looks = 0;
  private misses = 0;
  private keeping: Promise<void> = Promise.resolve();
  private stopKeeping: Stop | undefined;
  private readonly stopping = new AbortController();

  constructor(
    private readonly world: ServicePorts,
    private readonly file: AnchorFile,
    /** The log has changed under this process: what it holds in memory is of another one. */
    private readonly giveUp: (detail: string) => void,
  ) {
    this.startedAtMs = world.ports.clock.nowMs();
  }

  /** `undefined` when orders may be sent. */
  hold(): AnchorHold | undefined {
    return this.holding;
  }

  health(): { readonly ok: boolean; readonly detail: string } {
    if (this.holding) return { ok: false, detail: `${this.holding.code}: ${this.holding.detail}` };
    if (this.notKept !== undefined) return { ok: false, detail: `ANCHOR_NOT_KEPT: ${this.notKept}` };
    return { ok: true, detail: this.kept ? `${this.kept.stream}@${this.kept.revision}` : 'nothing to keep yet' };
  }

  /**
   * While orders may come again that a lost log has sent: the process time before which it had sent whatever it sent. This process began after
   * that one had ended. `undefined` when this log stands in for no other.
   */
  lostBeforeMs(): number | undefined {
    return this.acceptedAtMs !== undefined && this.world.ports.clock.nowMs() - this.acceptedAtMs < ASK_FIRST_MS ? this.startedAtMs : undefined;
  }

  /** An event of this process that is durable. */
  note(event: KnownEvent | undefined): void {
    this.noted = newestOf(this.noted, event);
  }

  /** Resolves true when the log may be traded on, false when stopped before. `usedBefore`: somebody has traded on this log already. */
  async admit(usedBefore: boolean): Promise<boolean> {
    const { timers } = this.world.ports;
    while (!this.stopping.signal.aborted) {
      const hold = await this.tryAdmit(usedBefore);
      if (!hold) return true;
      this.say(hold);
      await timers.sleep(LOOK_MS, 'look at the log again', this.stopping.signal);
    }
    return false;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.stopKeeping?.();
    await this.keeping;
    if (!this.holding) await this.keepNewest();
  }

  private say(hold: AnchorHold): void {
    if (hold.code !== this.holding?.code) this.looks = 0;
    this.holding = { code: hold.code, detail: hold.detail };
    if (this.looks % NOTICE_LOOKS === 0) this.world.log.write('error', 'anchor.holds', { ...this.holding });
    this.looks += 1;
  }

  private async tryAdmit(usedBefore: boolean): Promise<AnchorHold | undefined> {
    const read = await load(this.world.store, anchorFolding, anchorStream(ANCHOR_ROLE));
    if (!read.ok) return read;
    const { state, last } = read.loaded;
    const doubt = await this.doubt();
    if (doubt && 'ok' in doubt) return doubt;
    const accepted = doubt !== undefined && isAccepted(state, doubt.anchor_digest);
    this.misses = doubt ? this.misses + 1 : 0;
    if (doubt && !accepted && doubt.code === 'STORE_BEHIND_ANCHOR' && this.misses < LOOKS_BEFORE_DOUBT) return { code: 'ANCHOR_NOT_CHECKED', detail: `${doubt.detail}; it is looked for again` };
    if (doubt && !accepted) return this.holdFor(doubt);
    if (!doubt && this.doubted) {
      this.giveUp('what was known of the log is met again: what was read before is of no use');
      return { code: 'LOG_CHANGED', detail: 'the log has changed under this process, which starts again' };
    }
    if (usedBefore && this.kept === undefined && !doubt && this.looks === 0) {
      this.world.log.write('warn', 'anchor.none', { detail: 'the log has been traded on and nothing is known of it here: is this data directory the one that belongs to it?' });
    }
    return this.open(read.loaded, accepted ? newestOf(this.noted, last && knownOf(last)) : this.newest());
  }

  /** Known from now on is `newest`; only when that is durable are accounts opened. */
  private async open({ state }: Loaded<AnchorState>, newest: KnownEvent | undefined): Promise<AnchorHold | undefined> {
    const failed = newest && (await this.write(newest));
    if (failed !== undefined) return { code: 'ANCHOR_NOT_KEPT', detail: failed };
    const { instance } = this.world.identity;
    if (replaceAnchor(state, instance).length > 0) {
      const replaced = await this.record((now) => replaceAnchor(now, instance), 'replaced');
      if (replaced) return replaced;
    }
    if (this.stopping.signal.aborted) return { code: 'STOPPING', detail: 'this process ends' };
    this.acceptedAtMs = state.acceptance?.accepted_at_ms;
    if (this.doubted) this.world.log.write('warn', 'anchor.replaced', { accepted_by: state.acceptance?.accepted_by, reason: state.acceptance?.reason });
    this.world.metrics.gauge('tally_store_behind_anchor', 0);
    this.holding = undefined;
    this.stopKeeping = this.world.ports.timers.every(KEEP_MS, 'keep the anchor', () => (this.keeping = this.keep()));
    return undefined;
  }

  /** What speaks against the log; `undefined` when nothing does; a hold when that cannot be found out now. */
  private async doubt(): Promise<Doubt | (AnchorHold & { readonly ok: false }) | undefined> {
    const read = await readAnchor(this.file);
    if (read.kind === 'none') return undefined;
    if (read.kind === 'unreadable') return { code: 'ANCHOR_UNREADABLE', anchor_digest: read.digest, detail: `what was known of the log cannot be read: ${read.detail}` };
    const looked = await lookFor(this.world.store, read.event);
    if (!looked.ok) return looked;
    if (looked.there) {
      this.kept = read.event;
      return undefined;
    }
    return { code: 'STORE_BEHIND_ANCHOR', anchor_digest: read.digest, expected: read.event, detail: `${looked.detail} (position ${read.event.position}): the log is older than the one that was traded on, or another one`, ...(looked.found ? { found: looked.found } : {}) };
  }

  private async holdFor({ code, detail, anchor_digest, expected, found }: Doubt): Promise<AnchorHold> {
    const { instance } = this.world.identity;
    this.doubted = true;
    this.world.metrics.gauge('tally_store_behind_anchor', 1);
    const recorded = await this.record((state) => doubtLog(state, {
      role: ANCHOR_ROLE, code, detail, anchor_digest, ...(expected ? { expected } : {}), ...(found ? { found: { revision: found.revision, event_id: found.event_id, hash: found.hash } } : {}), found_by: instance,
    }), 'doubted');
    return recorded ?? { code, detail: `${detail}; ${WHAT_TO_DO}` };
  }

  private async record(decide: (state: AnchorState) => readonly AnchorEvent[], what: string): Promise<AnchorHold | undefined> {
    const stream = anchorStream(ANCHOR_ROLE);
    const { instance } = this.world.identity;
    const handled = await handle(this.world.store, anchorFolding, stream, recordContext(this.world, '', { correlationId: stream, causationId: instance }), ({ state, end }) =>
      decide(state).map((event) => ({ id: factIdOf(stream, `${what}/${end.revision}`, 0), event })));
    return handled.ok ? undefined : handled;
  }

  private newest(): KnownEvent | undefined {
    const last = this.world.tail.newest();
    return newestOf(this.kept, this.noted, last && (this.kept === undefined || last.position > BigInt(this.kept.position)) ? knownOf(last) : undefined);
  }

  /** Looks whether the log is still the one that is known, and then keeps what was added. */
  private async keep(): Promise<void> {
    if (this.kept) {
      const looked = await lookFor(this.world.store, this.kept);
      if (!looked.ok || this.stopping.signal.aborted) return;
      if (!looked.there) {
        this.say({ code: 'LOG_CHANGED', detail: `${looked.detail}: the log has changed under this process, which starts again` });
        this.giveUp(looked.detail);
        this.stopKeeping?.();
        return;
      }
    }
    await this.keepNewest();
  }

  private async keepNewest(): Promise<void> {
    const newest = this.newest();
    if (!newest || newest.position === this.kept?.position) return;
    const before = this.notKept;
    this.notKept = await this.write(newest);
    if (this.notKept !== undefined && before === undefined) this.world.log.write('error', 'anchor.not_kept', { detail: this.notKept });
    if (this.notKept === undefined && before !== undefined) this.world.log.write('info', 'anchor.kept_again', {});
  }

  /** What went wrong, in words. */
  private async write(event: KnownEvent): Promise<string | undefined> {
    try {
      await this.file.write(spellAnchor({ role: ANCHOR_ROLE, kept_by: this.world.identity.instance, kept_at_ms: this.world.ports.clock.nowMs(), event }));
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    this.kept = event;
    return undefined;
  }
}
