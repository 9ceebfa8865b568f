/**
 * Text written by a strategy or an agent is shown to people who decide on it, in terminals and browsers: it must not move the
 * cursor, turn the reading direction, or be bytes that no text is. Line breaks and tabs are fine.
 */
const HOSTILE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/u;

export const isPlainText = (text: string): boolean => !HOSTILE.test(text);

/** For what is quoted back or logged: anything but a visible character becomes `?`. */
export const printable = (text: string): string => text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
