import { headers as natsHeaders } from 'nats';
import type { MsgHdrs } from 'nats';
import type { JsonValue } from '@tallystick/ports';
import { currentContext } from '@tallystick/platform';
import type { WorkContext } from '@tallystick/platform';
import { stringMember } from './json.ts';

export const MESSAGE_ID = 'Nats-Msg-Id';
const CARRIED = ['traceparent', 'correlation_id', 'causation_id'] as const;
// CloudEvents attribute names have no underscores.
const ENVELOPE_MEMBER = { traceparent: 'traceparent', correlation_id: 'correlationid', causation_id: 'causationid' } as const;
// Ids and trace contexts are short and printable; anything else would only serve to smuggle lines into headers and logs.
const SAFE_VALUE = /^[\x21-\x7e]{1,200}$/;

export const isHeaderSafe = (value: string | undefined): value is string => value !== undefined && SAFE_VALUE.test(value);

/** Printable ASCII of bounded length, for text that must travel in a header. */
export const headerText = (text: string, charsMax: number): string => text.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, charsMax).trim();

/** What travels with every message: from the work in hand, else from the message's own envelope. */
export const contextHeaders = (message: JsonValue): MsgHdrs => {
  const context = currentContext();
  const made = natsHeaders();
  for (const name of CARRIED) {
    const value = context?.[name] ?? stringMember(message, ENVELOPE_MEMBER[name]);
    if (isHeaderSafe(value)) made.append(name, value);
  }
  return made;
};

/** The context a received message brings, its headers first, then its envelope. */
export const contextOf = (received: MsgHdrs | undefined, message: JsonValue | undefined): WorkContext => {
  const context: { -readonly [K in keyof WorkContext]: WorkContext[K] } = {};
  for (const name of CARRIED) {
    const header = received?.get(name);
    const value = header !== undefined && header !== '' ? header : message === undefined ? undefined : stringMember(message, ENVELOPE_MEMBER[name]);
    if (isHeaderSafe(value)) context[name] = value;
  }
  return context;
};
