/** Where the string that begins at `start` ends: the place of its closing quote. */
const endOfString = (text: string, start: number): number => {
  for (let i = start + 1; i < text.length; i += 1) {
    if (text[i] === '\\') i += 1;
    else if (text[i] === '"') return i;
  }
  return text.length;
};

const isBlank = (char: string | undefined): boolean => char === ' ' || char === '\n' || char === '\r' || char === '\t';

const isName = (text: string, after: number): boolean => {
  let i = after;
  while (isBlank(text[i])) i += 1;
  return text[i] === ':';
};

/**
 * Whether an object in `text`, which must be valid JSON, has two members of one name, however they are escaped. Parsers keep one of
 * them without a word, and not all the same one: what was read would not be what others see in the same bytes.
 */
export const hasRepeatedMember = (text: string): boolean => {
  const open: (Set<string> | undefined)[] = [];
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i];
    if (char === '{') open.push(new Set());
    else if (char === '[') open.push(undefined);
    else if (char === '}' || char === ']') open.pop();
    else if (char === '"') {
      const end = endOfString(text, i);
      const names = open.at(-1);
      if (names !== undefined && isName(text, end + 1)) {
        const raw = text.slice(i, end + 1);
        const name = raw.includes('\\') ? (JSON.parse(raw) as string) : raw.slice(1, -1);
        if (names.has(name)) return true;
        names.add(name);
      }
      i = end;
    }
  }
  return false;
};
