import { expect, it } from '@jest/globals';
import { dateText, daysOf } from './civil-date.ts';

const DAY_MS = 86_400_000;

it('agrees with the platform’s calendar on every day from 1970 to 2100', () => {
  const last = Date.UTC(2100, 11, 31) / DAY_MS;
  const wrong: string[] = [];
  for (let days = 0; days <= last; days += 1) {
    const text = new Date(days * DAY_MS).toISOString().slice(0, 10);
    const [year = 0, month = 0, day = 0] = text.split('-').map(Number);
    if (dateText(days) !== text || daysOf(year, month, day) !== days) wrong.push(text);
  }
  expect(wrong).toEqual([]);
  expect(dateText(last)).toBe('2100-12-31');
});

it('agrees before 1970 and in leap centuries', () => {
  for (const text of ['1900-02-28', '1900-03-01', '1969-12-31', '2000-02-29', '2400-02-29']) {
    const days = Date.parse(`${text}T00:00:00Z`) / DAY_MS;
    expect(dateText(days)).toBe(text);
  }
});
