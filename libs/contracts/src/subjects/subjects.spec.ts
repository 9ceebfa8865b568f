import { describe, expect, it } from '@jest/globals';
import { EVENT_CATALOGUE } from '../events/catalogue.ts';
import { orderIdOf } from '../identity/ids.ts';
import * as subjects from './subjects.ts';

/** A token NATS takes, and that means nothing to it. */
const TOKEN = /^[A-Za-z0-9_-]+$/;
const name = 'basket-1_A';

const all: readonly string[] = [
  subjects.intentSubject(name), subjects.previewSubject(name), subjects.riskPreviewSubject(15), subjects.MARKET_SNAPSHOT, subjects.MARKET_CURRENT,
  subjects.turnSubject(name), subjects.heartbeatSubject(name), subjects.controlSubject(name), subjects.querySubject('status'), subjects.deadLetterSubject('risk'),
  subjects.KILL_ENGAGE, subjects.KILL_ACKNOWLEDGED,
  ...Object.entries(subjects.LANES).flatMap(([service, lanes]) => lanes.map((lane) => subjects.commandSubject(service as subjects.CommandService, 15, lane))),
  ...Object.entries(EVENT_CATALOGUE).flatMap(([category, events]) => Object.keys(events).map((type) => subjects.eventSubject(category, type, name))),
];

describe('subjects', () => {
  it.each(all)('%s is made of safe tokens and begins with tally', (subject) => {
    const tokens = subject.split('.');
    expect(tokens[0]).toBe('tally');
    expect(tokens.filter((token) => !TOKEN.test(token))).toEqual([]);
  });

  it('are all different', () => {
    expect(new Set(all).size).toBe(all.length);
  });

  it('are matched by their wildcards', () => {
    const matches = (subject: string, filter: string): boolean => new RegExp(`^${filter.replaceAll('.', '\\.').replaceAll('*', '[^.]+')}$`).test(subject);
    expect(matches(subjects.intentSubject(name), subjects.ALL_INTENTS)).toBe(true);
    expect(matches(subjects.previewSubject(name), subjects.ALL_PREVIEWS)).toBe(true);
    expect(matches(subjects.previewSubject(name), subjects.ALL_INTENTS)).toBe(false);
  });

  it('take an order id as a token', () => {
    expect(orderIdOf('k', 0)).toMatch(TOKEN);
  });

  it('name streams and durables as JetStream takes them: no dot, no space, no wildcard', () => {
    for (const [service, lanes] of Object.entries(subjects.LANES)) {
      expect(subjects.commandStream(service as subjects.CommandService)).toMatch(TOKEN);
      for (const lane of lanes) expect(subjects.durableName(service as subjects.CommandService, 3, lane)).toMatch(TOKEN);
    }
    expect(subjects.DEAD_LETTER_STREAM).toMatch(TOKEN);
  });
});
