import { describe, expect, it } from '@jest/globals';
import { headerText } from './call.ts';

describe('a status message', () => {
  it.each(['plain: with commas, colons', '100 % of ü✓ in Stream: заказ, Expected version: 3', 'line\nbreak'])('arrives as it was sent: %j', (text) => {
    expect(headerText(text)).toMatch(/^[\x20-\x7e]*$/);
    expect(decodeURI(headerText(text))).toBe(text);
  });
});
