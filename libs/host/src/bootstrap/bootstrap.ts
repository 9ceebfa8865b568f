import { decodeInstrument, decodeKill, decodePolicy, factIdOf, instrumentStream, killStream, policyHashOf, policyStream, PolicyV1 } from '@tallystick/contracts';
import { evolveInstruments, evolvePolicy, NO_POLICY, type Instrument, type InstrumentEvent, type Instruments, type KillEvent, type PolicyDocument, type PolicyEvent, type PolicyState } from '@tallystick/domain';
import { handle, type DomainEvent, type Fact, type Folding, type RecordContext } from '@tallystick/event-sourcing';
import type { EventStore, Ports, Signer } from '@tallystick/ports';
import { activationBytes, timeText } from '@tallystick/services';

export interface BootstrapOptions {
  readonly store: EventStore;
  readonly ports: Ports;
  readonly build: string;
  readonly policySigner: Signer;
  readonly policy: PolicyDocument;
  readonly instruments: readonly Instrument[];
}

const killFolding: Folding<boolean, KillEvent> = { initial: () => false, evolve: () => true, decode: decodeKill };
const policyFolding: Folding<PolicyState, PolicyEvent> = { initial: () => NO_POLICY, evolve: evolvePolicy, decode: decodePolicy };
const instrumentFolding: Folding<Instruments, InstrumentEvent> = { initial: () => new Map(), evolve: evolveInstruments, decode: decodeInstrument };

const done = async <S, E extends DomainEvent>(options: BootstrapOptions, folding: Folding<S, E>, stream: string, decide: (state: S) => readonly E[]): Promise<void> => {
  const context: RecordContext = {
    source: '/bootstrap', actor: 'service:bootstrap', build: options.build, policyHash: '', correlationId: 'bootstrap', causationId: 'bootstrap',
    time: timeText(options.ports.clock.nowMs()),
  };
  const handled = await handle(options.store, folding, stream, context, ({ state, end }): readonly Fact<E>[] =>
    decide(state).map((event, i) => ({ id: factIdOf(stream, `bootstrap/${String(end.revision)}`, i), event })));
  if (!handled.ok) throw new Error(`${handled.code}: ${handled.detail}`);
};

const sameInstrument = (a: Instrument | undefined, b: Instrument): boolean =>
  a !== undefined && a.tick_size === b.tick_size && a.lot_size === b.lot_size && a.currency === b.currency && a.session === b.session;

/**
 * What must be in the log before anything can trade: the kill switch, the instruments, and a policy signed with this installation's
 * own key, which is for paper only. Does nothing twice. Throws when the store cannot answer.
 */
export const bootstrap = async (options: BootstrapOptions): Promise<void> => {
  const { policy, policySigner, instruments } = options;
  await done(options, killFolding, killStream(), (exists): readonly KillEvent[] => (exists ? [] : [{ type: 'KillSwitchCreated', data: { created_by: 'bootstrap' } }]));
  for (const venue of new Set(instruments.map((instrument) => instrument.venue))) {
    await done(options, instrumentFolding, instrumentStream(venue), (known) => instruments
      .filter((instrument) => instrument.venue === venue && !sameInstrument(known.get(instrument.symbol), instrument))
      .map((data): InstrumentEvent => ({ type: 'InstrumentListed', data })));
  }
  const document = PolicyV1.parse(policy);
  const policyHash = policyHashOf(document);
  await done(options, policyFolding, policyStream(document.name), ({ active }): readonly PolicyEvent[] => {
    // The same document under another key is nothing: whoever reads it here knows only this installation's keys.
    if (active?.policy_hash === policyHash && active.signature.key_id === policySigner.keyId) return [];
    const sequence = (active?.sequence ?? 0) + 1;
    const signed = { policy_hash: policyHash, sequence, key_scope: 'paper' } as const;
    const value = policySigner.sign(activationBytes(signed));
    return [{ type: 'PolicyActivated', data: { document, ...signed, signature: { key_id: policySigner.keyId, value }, activated_by: 'bootstrap' } }];
  });
};
