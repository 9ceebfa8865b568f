import type { IntentEvent } from '@tallystick/domain';
import type { RecordedEvent } from '@tallystick/ports';
import type { ReadModelFile } from '../store/database.ts';
import { recordRefusals } from './refusals.ts';

const INSERT = `INSERT INTO intents (position, intent_key, outcome, request_id, digest, strategy, account, mode, risk_group, recorded_at_ms, intent, legs, refusals)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (intent_key) DO NOTHING`;
const CONFLICT = 'INSERT INTO intent_conflicts (position, intent_key, digest, request_id, recorded_at_ms) VALUES (?, ?, ?, ?, ?)';

/** The first answer of a key stands; every conflicting repeat is kept beside it. */
export const projectIntent = (file: ReadModelFile, event: IntentEvent, { position, recordedAtMs }: RecordedEvent): void => {
  if (event.type === 'IntentConflicted') {
    file.run(CONFLICT, position, event.data.intent_key, event.data.digest, event.data.request_id, recordedAtMs);
    return;
  }
  const { intent, digest, request_id } = event.data;
  const accepted = event.type === 'IntentAccepted';
  const refusals = accepted ? [] : event.data.refusals;
  file.run(INSERT, position, intent.intent_key, accepted ? 'accepted' : 'refused', request_id, digest, intent.strategy.id, intent.account, intent.mode,
    accepted ? event.data.risk_group : null, recordedAtMs, JSON.stringify(intent), JSON.stringify(accepted ? event.data.legs : []), JSON.stringify(refusals));
  recordRefusals(file, { position, recordedAtMs, stage: 'intent', account: intent.account, strategy: intent.strategy.id, intentKey: intent.intent_key },
    refusals.map((refusal) => ({ code: refusal.code, detail: refusal.detail, limit: refusal.limit, observed: refusal.observed, scope: refusal.field })));
};
