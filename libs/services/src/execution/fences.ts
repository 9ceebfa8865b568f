import { killStream, leaseStream, policyStream } from '@tallystick/contracts';
import type { EventStore } from '@tallystick/ports';
import type { ReferenceData } from '../reference/reference-data.ts';

export type FenceAnswer =
  | { readonly kind: 'clear' }
  /** Something changed or cannot be read: nothing is sent. */
  | { readonly kind: 'stopped'; readonly code: 'LEASE_LOST' | 'KILL_SWITCH_CHANGED' | 'POLICY_CHANGED' | 'FENCE_UNREADABLE'; readonly detail: string };

interface Round {
  readonly promise: Promise<FenceAnswer>;
  hasStarted(): boolean;
}

/**
 * After a claim is durable: are the lease, the kill switch and the policy still those the claim was made under? Asked of the
 * store, not of memory. Claims that are durable before a round of reads begins share its answer, so the cost does not grow with load.
 */
export class Fences {
  private readonly next = new Map<string, Round>();
  private readonly current = new Map<string, Promise<FenceAnswer>>();

  constructor(
    private readonly store: EventStore,
    private readonly reference: ReferenceData,
  ) {}

  check(riskGroup: string, epoch: number): Promise<FenceAnswer> {
    const key = `${riskGroup}/${epoch}`;
    const waiting = this.next.get(key);
    // A round that has begun to read may have read before this claim: only one that has not may answer for it.
    if (waiting && !waiting.hasStarted()) return waiting.promise;
    const before = this.current.get(key) ?? Promise.resolve();
    const round = { started: false };
    const promise = before.then(() => {
      round.started = true;
      return this.read(riskGroup, epoch);
    });
    this.next.set(key, { promise, hasStarted: () => round.started });
    this.current.set(key, promise);
    return promise;
  }

  private async head(stream: string): Promise<number | undefined | 'unreadable'> {
    const read = await this.store.read(stream, { from: 'end', direction: 'backwards', maxCount: 1 });
    if (!read.ok) return 'unreadable';
    return read.events[0]?.revision;
  }

  private async read(riskGroup: string, epoch: number): Promise<FenceAnswer> {
    const [lease, kill, policy] = await Promise.all([
      this.head(leaseStream('execution', riskGroup)), this.head(killStream()), this.head(policyStream(this.reference.policyName())),
    ]);
    const known = this.reference.revisions();
    if (lease === 'unreadable' || kill === 'unreadable' || policy === 'unreadable') return { kind: 'stopped', code: 'FENCE_UNREADABLE', detail: 'lease, kill switch or policy cannot be read' };
    if (lease !== epoch) return { kind: 'stopped', code: 'LEASE_LOST', detail: `epoch ${epoch} is not the newest: ${String(lease)}` };
    if (kill !== known.kill) return { kind: 'stopped', code: 'KILL_SWITCH_CHANGED', detail: 'the kill switch changed after the claim' };
    if (policy !== known.policy) return { kind: 'stopped', code: 'POLICY_CHANGED', detail: 'the policy changed after the claim' };
    return { kind: 'clear' };
  }
}
