import { readFileSync } from 'node:fs';

const SAFE = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,79}$/;

/**
 * Names the code that runs, for events and logs: `TALLY_BUILD` (what `git describe` said when it was built), else the package's version.
 * The same for the life of a build. Text that could not stand in a header or a label is not used.
 */
export const buildId = (env: Readonly<Record<string, string | undefined>>): string => {
  const given = env['TALLY_BUILD']?.trim();
  if (given !== undefined && SAFE.test(given)) return given;
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { readonly version: string };
  return `v${manifest.version}`;
};
