import { readSession } from '@tallystick/calendars';
import { decisionDigestOf, decodeInstrument, decodeKill, decodePolicy, decodeRate, PolicyV1, policyHashOf } from '@tallystick/contracts';
import {
  evolveInstruments, evolveKill, evolvePolicy, NO_KILL_SWITCH, NO_POLICY,
  type Decision, type Instruments, type KillState, type OrderTerms, type PolicyActivation, type PolicyState, type SessionReading,
} from '@tallystick/domain';
import type { EventStore, Log, RecordedEvent, Stop, Subscription, Verifier } from '@tallystick/ports';
import { NO_KILL_FILE, withFile, type KillFile } from '../kill/kill-file.ts';

/** Bytes an activation's signature is over: the hash covers the document, the sequence stops an old one from coming back. */
export const activationBytes = (activation: Pick<PolicyActivation, 'policy_hash' | 'sequence' | 'key_scope'>): Uint8Array =>
  Buffer.from(`tallystick/policy-activation/v1\n${activation.policy_hash}\n${activation.sequence}\n${activation.key_scope}`);

export const decisionBytes = (terms: OrderTerms, decision: Decision): Uint8Array => Buffer.from(decisionDigestOf(terms, decision));

export interface ReferenceOptions {
  readonly store: EventStore;
  readonly verifier: Verifier;
  readonly log: Log;
  readonly policyName: string;
  /** Stops this host whatever the log says. */
  readonly killFile?: KillFile;
}

/**
 * Policy, instruments, rates and kill switch, kept from the log. Until everything has been read, after an event that cannot be
 * read, or when a signature does not verify, there is no policy: and without a policy everything is denied.
 */
export class ReferenceData {
  private policyState: PolicyState = NO_POLICY;
  private policyRevision = -1;
  private killRevision = -1;
  private instrumentsKnown: Instruments = new Map();
  private readonly ratesKnown = new Map<string, Map<string, string>>();
  private killState: KillState = NO_KILL_SWITCH;
  private unreadable: string | undefined;
  /** The newest activation does not verify. A later one that does is a new decision; an earlier one said again is not. */
  private policyFault: { readonly sequence: number; readonly detail: string } | undefined;
  private caughtUp = false;
  private subscription: Subscription | undefined;
  private readonly waiting: (() => void)[] = [];
  private readonly killListeners = new Set<() => void>();

  constructor(private readonly options: ReferenceOptions) {}

  /** Resolves when the log has been read up to its head once. */
  async start(): Promise<void> {
    const ready = new Promise<void>((resolve) => this.waiting.push(resolve));
    this.subscription = this.options.store.subscribeAll({
      name: 'reference-data', after: 'start', streamPrefixes: ['policy-', 'instrument-', 'rate-', 'kill'],
      onEvent: (event) => this.apply(event),
      onCaughtUp: () => {
        this.caughtUp = true;
        for (const resolve of this.waiting.splice(0)) resolve();
        this.tellOfKill();
      },
      onFailed: (error) => this.refuse(`the subscription failed: ${String(error)}`),
    });
    await ready;
  }

  async stop(): Promise<void> {
    await this.subscription?.stop();
  }

  /** The policy in force, or `undefined`: then nothing is allowed. */
  policy(): PolicyActivation | undefined {
    return this.caughtUp && this.unreadable === undefined && this.policyFault === undefined ? this.policyState.active : undefined;
  }

  policyHash(): string {
    return this.policy()?.policy_hash ?? '';
  }

  /** Revisions folded so far; equal to the streams' heads means that nothing newer is unknown here. */
  revisions(): { readonly policy: number; readonly kill: number } {
    return { policy: this.policyRevision, kill: this.killRevision };
  }

  policyName(): string {
    return this.options.policyName;
  }

  instruments(): Instruments {
    return this.instrumentsKnown;
  }

  /** What the market of the instrument does at that business time (epoch ms); what cannot be read is closed. */
  sessionOf(symbol: string, timeMs: number | undefined): SessionReading {
    return readSession(this.instrumentsKnown.get(symbol)?.session, timeMs);
  }

  /** Base currency per unit of each currency with a known rate; the base itself is 1. */
  rates(base: string): ReadonlyMap<string, string> {
    return new Map([...(this.ratesKnown.get(base) ?? []), [base, '1']]);
  }

  /** What stops orders here and now: the log's switch and the kill file, which is looked at anew with every call. */
  kill(): KillState {
    return withFile(this.loggedKill(), this.killFile().look());
  }

  /** The log's switch alone. */
  loggedKill(): KillState {
    return this.caughtUp && this.unreadable === undefined ? this.killState : NO_KILL_SWITCH;
  }

  killFile(): KillFile {
    return this.options.killFile ?? NO_KILL_FILE;
  }

  /** Called after every change of the log's switch, when it holds here already. */
  onKill(listener: () => void): Stop {
    this.killListeners.add(listener);
    return () => void this.killListeners.delete(listener);
  }

  isReady(): boolean {
    return this.policy() !== undefined && this.killState.exists;
  }

  verifyDecision(terms: OrderTerms, decision: Decision): boolean {
    const { signature } = decision;
    return signature !== undefined && this.options.verifier.verify(signature.key_id, decisionBytes(terms, decision), signature.value);
  }

  private tellOfKill(): void {
    if (this.caughtUp) for (const listener of this.killListeners) listener();
  }

  private refuse(detail: string): void {
    this.unreadable = detail;
    this.options.log.write('error', 'reference.unreadable', { detail });
  }

  private apply(recorded: RecordedEvent): void {
    if (recorded.stream.startsWith('policy-')) this.applyPolicy(recorded);
    else if (recorded.stream.startsWith('instrument-')) {
      const decoded = decodeInstrument(recorded);
      if (decoded.ok) this.instrumentsKnown = evolveInstruments(this.instrumentsKnown, decoded.event);
      else this.refuse(decoded.detail);
    } else if (recorded.stream.startsWith('rate-')) {
      const decoded = decodeRate(recorded);
      if (!decoded.ok) return this.refuse(decoded.detail);
      // A rate says how much of `currency` one `base` buys; marks want the worth of one `currency` in base.
      const { base, currency, rate } = decoded.event.data;
      const ofCurrency = this.ratesKnown.get(currency) ?? new Map<string, string>();
      this.ratesKnown.set(currency, ofCurrency.set(base, rate));
    } else if (recorded.stream === 'kill') {
      const decoded = decodeKill(recorded);
      if (!decoded.ok) return this.refuse(decoded.detail);
      this.killState = evolveKill(this.killState, decoded.event);
      this.killRevision = recorded.revision;
      this.tellOfKill();
    }
  }

  private applyPolicy(recorded: RecordedEvent): void {
    if (recorded.stream !== `policy-${this.options.policyName}`) return;
    const decoded = decodePolicy(recorded);
    if (!decoded.ok) return this.refuse(decoded.detail);
    const activation = decoded.event.data;
    const document = PolicyV1.safeParse(activation.document);
    const { signature } = activation;
    if (!document.success || policyHashOf(activation.document) !== activation.policy_hash
      || !this.options.verifier.verify(signature.key_id, activationBytes(activation), signature.value)) {
      const detail = `policy ${this.options.policyName} sequence ${activation.sequence} is not what its signature says`;
      this.policyFault = { sequence: Math.max(activation.sequence, this.policyFault?.sequence ?? 0), detail };
      this.options.log.write('error', 'policy.not_verified', { detail, key_id: signature.key_id });
      return;
    }
    if (this.policyFault && activation.sequence <= this.policyFault.sequence) return;
    this.policyFault = undefined;
    this.policyState = evolvePolicy(this.policyState, decoded.event);
    this.policyRevision = recorded.revision;
  }
}
