/** The five stages of an order, as in the product: each takes a message, records, and passes on. */
export const STAGES = ['intents', 'risk', 'execution', 'fills', 'positions'] as const;

export const OUTBOX_SUBJECT = 'bench.outbox';
export const OUTBOX_DONE = 'bench.outbox.done';

export const SCHEMA = `
  CREATE TABLE events (id bigserial PRIMARY KEY, stream text NOT NULL, revision int NOT NULL, type text NOT NULL, data text NOT NULL, UNIQUE (stream, revision));
  CREATE TABLE outbox (id bigserial PRIMARY KEY, stage int NOT NULL, order_id text NOT NULL, body text NOT NULL);
  CREATE INDEX outbox_by_stage ON outbox (stage, id);
  CREATE TABLE positions (account text PRIMARY KEY, qty bigint NOT NULL);
`;
