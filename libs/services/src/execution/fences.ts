import { killStream, leaseStream, policyStream } from '@tallystick/contracts';
import type { LogTail } from '@tallystick/event-sourcing';
import type { EventStore, Timers } from '@tallystick/ports';
import type { ReferenceData } from '../reference/reference-data.ts';

export type FenceAnswer =
  | { readonly kind: 'clear' }
  /** Something changed or cannot be read: nothing is sent. */
  | { readonly kind: 'stopped'; readonly code: 'LEASE_LOST' | 'KILL_SWITCH_CHANGED' | 'POLICY_CHANGED' | 'FENCE_UNREADABLE'; readonly detail: string };

/** Newest revisions of what can stop an order; `undefined` where there is no stream. */
interface Heads {
  readonly lease: number | undefined;
  readonly kill: number | undefined;
  readonly policy: number | undefined;
}

/** The reference data are pushed beside the tail: whichever is first waits so often for the other, a moment each time. */
const LOOKS_MAX = 20;
const LOOK_EVERY_MS = 2;

interface Round {
  readonly promise: Promise<Heads | undefined>;
  hasStarted(): boolean;
}

/**
 * After a claim is durable: are the lease, the kill switch and the policy still those the claim was made under? The log says so when it hands
 * the claim itself back: whatever was appended before it has been handed over by then. Where the log is slow to do so, the streams are read;
 * claims that are durable before a round of reads begins share its answer.
 */
export class Fences {
  private readonly next = new Map<string, Round>();
  private readonly current = new Map<string, Promise<Heads | undefined>>();
  /** Read once, after the tail went live: what the tail has not seen change since is still so. */
  private readonly before = new Map<string, Heads>();

  constructor(
    private readonly store: EventStore,
    private readonly tail: LogTail,
    private readonly reference: ReferenceData,
    private readonly timers: Timers,
  ) {}

  async check(riskGroup: string, epoch: number, claimPosition: bigint | undefined): Promise<FenceAnswer> {
    const heads = (await this.pushed(riskGroup, claimPosition)) ?? (await this.asked(riskGroup));
    if (heads) await this.caughtUpTo(heads);
    return heads ? this.judge(heads, epoch) : { kind: 'stopped', code: 'FENCE_UNREADABLE', detail: 'lease, kill switch or policy cannot be read' };
  }

  /** Not known here yet is not the same as changed for this order: a kill of another account must not keep this one from being sent. */
  private async caughtUpTo({ kill = -1, policy = -1 }: Heads): Promise<void> {
    for (let look = 0; look < LOOKS_MAX; look += 1) {
      const known = this.reference.revisions();
      if (known.kill >= kill && known.policy >= policy) return;
      await this.timers.sleep(LOOK_EVERY_MS, 'reference data');
    }
  }

  private async pushed(riskGroup: string, claimPosition: bigint | undefined): Promise<Heads | undefined> {
    const before = this.before.get(riskGroup);
    if (!before || claimPosition === undefined || !(await this.tail.reached(claimPosition))) return undefined;
    const { lease, kill, policy } = this.streamsOf(riskGroup);
    return { lease: this.tail.head(lease) ?? before.lease, kill: this.tail.head(kill) ?? before.kill, policy: this.tail.head(policy) ?? before.policy };
  }

  private async asked(riskGroup: string): Promise<Heads | undefined> {
    const waiting = this.next.get(riskGroup);
    // A round that has begun to read may have read before this claim: only one that has not may answer for it.
    if (waiting && !waiting.hasStarted()) return waiting.promise;
    const before = this.current.get(riskGroup) ?? Promise.resolve();
    const round = { started: false };
    const promise = before.then(() => {
      round.started = true;
      return this.read(riskGroup);
    });
    this.next.set(riskGroup, { promise, hasStarted: () => round.started });
    this.current.set(riskGroup, promise);
    return promise;
  }

  private async read(riskGroup: string): Promise<Heads | undefined> {
    const wasLive = this.tail.isLive();
    const streams = this.streamsOf(riskGroup);
    const [lease, kill, policy] = await Promise.all([this.head(streams.lease), this.head(streams.kill), this.head(streams.policy)]);
    if (lease === 'unreadable' || kill === 'unreadable' || policy === 'unreadable') return undefined;
    const heads = { lease, kill, policy };
    if (wasLive) this.before.set(riskGroup, heads);
    return heads;
  }

  private streamsOf(riskGroup: string): { readonly lease: string; readonly kill: string; readonly policy: string } {
    return { lease: leaseStream('execution', riskGroup), kill: killStream(), policy: policyStream(this.reference.policyName()) };
  }

  private async head(stream: string): Promise<number | undefined | 'unreadable'> {
    const read = await this.store.read(stream, { from: 'end', direction: 'backwards', maxCount: 1 });
    if (!read.ok) return 'unreadable';
    return read.events[0]?.revision;
  }

  private judge({ lease, kill, policy }: Heads, epoch: number): FenceAnswer {
    const known = this.reference.revisions();
    if (lease !== epoch) return { kind: 'stopped', code: 'LEASE_LOST', detail: `epoch ${epoch} is not the newest: ${String(lease)}` };
    // Newer here than the heads: the send's own checks, made after this on what is known here, decide.
    if ((kill ?? -1) > known.kill || kill === undefined) return { kind: 'stopped', code: 'KILL_SWITCH_CHANGED', detail: 'the kill switch changed after the claim' };
    if (policy !== known.policy) return { kind: 'stopped', code: 'POLICY_CHANGED', detail: 'the policy changed after the claim' };
    return { kind: 'clear' };
  }
}
