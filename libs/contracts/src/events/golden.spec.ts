import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  carriedForward, emptyRiskGroup, evolveAnchor, evolveInstruments, evolveIntent, evolveKill, evolveLease, evolveOrder, evolvePolicy, evolveRiskGroup, NO_ANCHOR, NO_INTENT,
  NO_KILL_SWITCH, NO_LEASE, NO_ORDER, NO_POLICY, orderView, type Instruments,
} from '@tallystick/domain';
import type { JsonObject, RecordedEvent } from '@tallystick/ports';
import * as contracts from '../index.ts';
import { EventMetadata, eventHashOf, GENESIS_HASH } from '../envelope/envelope.ts';
import { EVENT_CATALOGUE, type Category } from './catalogue.ts';
import type { DecodedEvent } from './decode.ts';

interface Fixture {
  readonly category: Category;
  readonly state?: unknown;
  readonly events: readonly { readonly stream: string; readonly revision: number; readonly position: string; readonly recorded_at_ms: number; readonly id: string; readonly type: string; readonly data: JsonObject; readonly metadata: JsonObject }[];
}

const root = join(__dirname, '../../fixtures');
const releases = readdirSync(root).filter((name) => /^v\d+$/.test(name)).sort();
const fixtures = releases.flatMap((release) =>
  readdirSync(join(root, release)).map((file) => ({ file: `${release}/${file}`, ...(JSON.parse(readFileSync(join(root, release, file), 'utf8')) as Fixture) })));
const recordedOf = (fixture: Fixture): readonly RecordedEvent[] =>
  fixture.events.map(({ recorded_at_ms: recordedAtMs, position, ...event }) => ({ ...event, position: BigInt(position), recordedAtMs }));

type Decoder = (recorded: RecordedEvent) => DecodedEvent<{ readonly type: string; readonly data: object }>;
const decoders: Readonly<Record<Category, Decoder>> = {
  intent: contracts.decodeIntent, order: contracts.decodeOrder, riskGroup: contracts.decodeRiskGroup, venueReport: contracts.decodeVenueReport,
  quarantine: contracts.decodeQuarantine, reconciliation: contracts.decodeReconciliation, policy: contracts.decodePolicy, instrument: contracts.decodeInstrument,
  rate: contracts.decodeRate, process: contracts.decodeProcess, lease: contracts.decodeLease, kill: contracts.decodeKill, checkpoint: contracts.decodeCheckpoint,
  anchor: contracts.decodeAnchor, audit: contracts.decodeAudit,
};

const folded = <S, E>(recorded: readonly RecordedEvent[], decode: (one: RecordedEvent) => DecodedEvent<E>, initial: S, evolve: (state: S, event: E, revision: number) => S): S =>
  recorded.reduce((state, one) => {
    const decoded = decode(one);
    if (!decoded.ok) throw new Error(decoded.detail);
    return evolve(state, decoded.event, one.revision);
  }, initial);

const states: Partial<Record<Category, (recorded: readonly RecordedEvent[]) => unknown>> = {
  intent: (recorded) => {
    const state = folded(recorded, contracts.decodeIntent, NO_INTENT, evolveIntent);
    if (state.kind === 'none') return state;
    return { kind: state.kind, digest: state.digest, legs: state.legs, refusals: state.refusals.map(({ code }) => code), conflicts: state.conflictingDigests };
  },
  order: (recorded) => orderView(folded(recorded, contracts.decodeOrder, NO_ORDER, evolveOrder)),
  riskGroup: (recorded) => {
    const state = folded(recorded, contracts.decodeRiskGroup, emptyRiskGroup(), evolveRiskGroup);
    return { closed: state.closed, decided: [...state.decided.keys()], ...carriedForward(state) };
  },
  policy: (recorded) => ({ policy_hash: folded(recorded, contracts.decodePolicy, NO_POLICY, evolvePolicy).active?.policy_hash }),
  instrument: (recorded) => ({ listed: [...folded(recorded, contracts.decodeInstrument, new Map() as Instruments, evolveInstruments).keys()] }),
  anchor: (recorded) => folded(recorded, contracts.decodeAnchor, NO_ANCHOR, evolveAnchor),
  lease: (recorded) => folded(recorded, contracts.decodeLease, NO_LEASE, evolveLease),
  kill: (recorded) => {
    const state = folded(recorded, contracts.decodeKill, NO_KILL_SWITCH, evolveKill);
    return { exists: state.exists, engaged: [...state.engaged.keys()] };
  },
};

describe.each(fixtures)('$file', (fixture) => {
  const recorded = recordedOf(fixture);

  it('is still readable', () => {
    expect(recorded.map((one) => decoders[fixture.category](one)).filter(({ ok }) => !ok)).toEqual([]);
  });

  it('still has its chain of hashes', () => {
    const hashes = recorded.map((one) => eventHashOf(one));
    expect(recorded.map(({ metadata }) => metadata['prevhash'])).toEqual([GENESIS_HASH, ...hashes.slice(0, -1)]);
    for (const { metadata } of recorded) expect(EventMetadata.safeParse(metadata).success).toBe(true);
  });

  it('still leads to the same state', () => {
    const state = states[fixture.category];
    expect(state === undefined ? undefined : JSON.parse(JSON.stringify(state(recorded)))).toEqual(fixture.state);
  });
});

describe('the golden streams', () => {
  it('hold every event type of the catalogue at its current version', () => {
    const held = new Set(fixtures.flatMap(({ category, events }) => events.map(({ type, metadata }) => `${category}/${type} v${String(metadata['schemaversion'])}`)));
    const wanted = Object.entries(EVENT_CATALOGUE).flatMap(([category, events]) => Object.entries(events).map(([type, { schemaVersion }]) => `${category}/${type} v${schemaVersion}`));
    expect(wanted.filter((one) => !held.has(one))).toEqual([]);
  });

  it('still have the ids, digests and hashes that they were recorded with', () => {
    const accepted = fixtures.flatMap(({ events }) => events).filter(({ type }) => type === 'IntentAccepted');
    expect(accepted.length).toBeGreaterThan(0);
    for (const one of accepted.map((event) => ({ ...event, position: BigInt(event.position), recordedAtMs: event.recorded_at_ms }))) {
      const decoded = contracts.decodeIntent(one);
      if (!decoded.ok || decoded.event.type !== 'IntentAccepted') throw new Error('unreadable');
      const { intent, digest, legs } = decoded.event.data;
      expect(contracts.intentDigestOf(intent)).toBe(digest);
      expect(legs.map(({ leg }) => contracts.orderIdOf(intent.intent_key, leg))).toEqual(legs.map(({ order_id }) => order_id));
    }
    for (const { data } of fixtures.flatMap(({ events }) => events).filter(({ type }) => type === 'PolicyActivated')) {
      expect(contracts.policyHashOf(contracts.PolicyV1.parse(data['document']))).toBe(data['policy_hash']);
    }
  });
});
