import { factIdOf, killStream } from '@tallystick/contracts';
import { decideEngage, decideRelease, type EngagedKill, type KillChannel, type KillEvent, type KillMode, type KillScope, type KillState, type Refusal } from '@tallystick/domain';
import { handle, type Fact, type HandleFailure, type Handled } from '@tallystick/event-sourcing';
import { killFolding } from '../shared/foldings.ts';
import { recordContext, type ServicePorts } from '../shared/service-ports.ts';

/** An engagement that the store did not take is tried again for so long; then whoever asked is told to use another way. */
const TRY_MS_MAX = 5_000;
const TRY_AGAIN_MS = 25;

export interface EngageAsked {
  readonly scope: KillScope;
  readonly mode: KillMode;
  readonly reason: string;
  /** `operator:<name>`, `nats:<name>`, `file:<instance>`. */
  readonly by: string;
  readonly via: KillChannel;
  readonly requestId: string;
  /** Process time, UTC. */
  readonly requestedAtMs: number;
}

export interface ReleaseWanted {
  readonly scope: KillScope;
  readonly reason: string;
  readonly by: string;
  readonly requestId: string;
}

type Failure = { readonly ok: false; readonly code: string; readonly detail: string };
export type Engaged = { readonly ok: true; readonly status: 'engaged' | 'already_engaged'; readonly kill: EngagedKill; readonly position?: bigint };
export type Released = { readonly ok: true; readonly event: KillEvent; readonly position?: bigint } | { readonly ok: false; readonly refusal: Refusal } | Failure;

const placed = ({ position }: { readonly position?: bigint }): { readonly position?: bigint } => (position === undefined ? {} : { position });

/** Writes the kill switch: the gateway and every executor have one, and of two that write at once one wins and the other finds it done. */
export class KillDesk {
  constructor(private readonly world: ServicePorts) {}

  /** Durable when it resolves `ok`. Repeats itself while the store is away, for 5 s. */
  async engage(asked: EngageAsked): Promise<Engaged | Failure> {
    const killId = this.world.ports.ids.unique('kill');
    const mine: EngagedKill = {
      kill_id: killId, scope: asked.scope, mode: asked.mode, reason: asked.reason, engaged_by: asked.by, via: asked.via, requested_at_ms: asked.requestedAtMs,
    };
    const id = factIdOf(killStream(), killId, 0);
    const done = await this.persist(asked, (state) => {
      const decided = decideEngage(state, mine);
      return decided.kind === 'record' ? [{ id, event: decided.event }] : [];
    });
    if (!done.ok) return { ok: false, code: done.code, detail: done.detail };
    const kill = done.state.engaged.get(asked.scope) ?? mine;
    const isMine = kill.kill_id === killId;
    if (isMine) this.world.log.write('warn', 'kill.engaged', { kill_id: killId, scope: asked.scope, mode: asked.mode, reason: asked.reason, engaged_by: asked.by, via: asked.via });
    return { ok: true, status: isMine ? 'engaged' : 'already_engaged', kill, ...placed(done) };
  }

  /** Records what a kill would have acted on; `orders` is how many. */
  async drill(asked: EngageAsked, orders: number): Promise<{ readonly ok: true; readonly killId: string; readonly position?: bigint } | Failure> {
    const killId = this.world.ports.ids.unique('kill');
    const event: KillEvent = {
      type: 'KillDrilled', data: { kill_id: killId, scope: asked.scope, mode: asked.mode, reason: asked.reason, drilled_by: asked.by, requested_at_ms: asked.requestedAtMs, orders },
    };
    // Its id is that of the request: a repeat of it is the same drill.
    const done = await this.persist(asked, () => [{ id: factIdOf(killStream(), `drill/${asked.requestId}`, 0), event }]);
    if (!done.ok) return { ok: false, code: done.code, detail: done.detail };
    this.world.log.write('info', 'kill.drilled', { kill_id: killId, scope: asked.scope, mode: asked.mode, orders, drilled_by: asked.by });
    return { ok: true, killId, ...placed(done) };
  }

  /** The proposal of the first operator, the release by the second. */
  async release(wanted: ReleaseWanted): Promise<Released> {
    let decided: ReturnType<typeof decideRelease> | undefined;
    const nowMs = this.world.ports.clock.nowMs();
    const id = this.world.ports.ids.unique('kill');
    const done = await this.persist(wanted, (state) => {
      decided = decideRelease(state, { scope: wanted.scope, reason: wanted.reason, by: wanted.by, nowMs });
      return decided.kind === 'record' ? [{ id, event: decided.event }] : [];
    }, id);
    if (!done.ok) return { ok: false, code: done.code, detail: done.detail };
    const recorded = done.recorded.at(0) ?? (decided?.kind === 'record' ? decided.event : undefined);
    if (!recorded) return { ok: false, refusal: decided?.kind === 'refused' ? decided.refusal : { code: 'KILL_NOT_ENGAGED', detail: `nothing is engaged for ${wanted.scope}` } };
    this.world.log.write('warn', recorded.type === 'KillReleased' ? 'kill.released' : 'kill.release_proposed', { scope: wanted.scope, reason: wanted.reason, by: wanted.by });
    return { ok: true, event: recorded, ...placed(done) };
  }

  /** The same event ids on every try: what was recorded by one whose answer was lost is not recorded again. */
  private async persist(asked: { readonly by: string; readonly requestId: string }, decide: (state: KillState) => readonly Fact<KillEvent>[], ownId?: string): Promise<Handled<KillState, KillEvent> | HandleFailure> {
    const { clock, timers } = this.world.ports;
    const context = recordContext(this.world, '', { correlationId: asked.requestId, causationId: asked.requestId, actor: asked.by });
    const untilMs = clock.monotonicMs() + TRY_MS_MAX;
    for (;;) {
      const done = await handle(this.world.store, killFolding, killStream(), context, ({ state, ids }) => (ownId !== undefined && ids.has(ownId) ? [] : decide(state)));
      const again = !done.ok && (done.code === 'STORE_UNAVAILABLE' || done.code === 'APPEND_OUTCOME_UNKNOWN' || done.code === 'STREAM_CONTENDED');
      if (!again || clock.monotonicMs() >= untilMs) return done;
      await timers.sleep(TRY_AGAIN_MS, 'kill switch');
    }
  }
}
