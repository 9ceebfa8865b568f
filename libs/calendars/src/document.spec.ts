import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { calendarsPage } from './document.ts';
import { CALENDARS } from './sessions.ts';

// When it does not: npm run generate
it('docs/calendars.md says what the calendars hold', () => {
  expect(readFileSync(join(__dirname, '../../../docs/calendars.md'), 'utf8')).toBe(calendarsPage());
});

it('names every calendar with horizon, source and every rule', () => {
  const page = calendarsPage();
  for (const { name, from, until, source, rules } of CALENDARS) {
    expect(page).toContain(`## ${name}: `);
    expect(page).toContain(`answers from ${from} to ${until}`);
    expect(page).toContain(source);
    for (const rule of rules) expect(page).toContain(`| ${rule.name} | `);
  }
});
