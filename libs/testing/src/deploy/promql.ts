export interface Reading {
  /** Series that an expression reads. */
  readonly series: readonly string[];
  /** Labels that it groups by or selects on. */
  readonly labels: readonly string[];
}

const WORDS = new Set(['or', 'and', 'unless', 'offset', 'bool', 'on', 'ignoring', 'group_left', 'group_right']);

/** Names in the part of PromQL that rules and dashboards here use. */
export const readingOf = (expression: string): Reading => {
  const labels = new Set<string>();
  const bare = expression
    .replaceAll(/\{([^}]*)\}/g, (_all, inner: string) => {
      for (const [, label = ''] of inner.matchAll(/([a-z_]\w*)\s*(?:=~|!~|!=|=)/g)) labels.add(label);
      return ' ';
    })
    .replaceAll(/\b(?:by|without)\s*\(([^)]*)\)/g, (_all, inner: string) => {
      for (const label of inner.split(',')) labels.add(label.trim());
      return ' ';
    })
    .replaceAll(/\[[^\]]*\]/g, ' ')
    .replaceAll(/\boffset\s+\w+/g, ' ');
  const names = [...bare.matchAll(/[a-zA-Z_][\w:]*(?!\s*\()(?![\w:])/g)].map(([name]) => name).filter((name) => !WORDS.has(name));
  return { series: [...new Set(names)], labels: [...labels] };
};
