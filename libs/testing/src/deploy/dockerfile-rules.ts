import { isPinned } from './files.ts';

interface Instruction {
  readonly keyword: string;
  readonly rest: string;
}

const instructionsOf = (text: string): readonly Instruction[] =>
  text.replaceAll(/^\s*#.*$/gm, '').replaceAll(/\\\n/g, ' ').split('\n').map((line) => line.trim()).filter(Boolean)
    .map((line) => ({ keyword: line.split(/\s/, 1)[0]?.toUpperCase() ?? '', rest: line.replace(/^\S+\s*/, '') }));

/** Everything that is wrong with a Dockerfile, a line each. `exists`: of a path in the build context. */
export const dockerfileFindings = (text: string, exists: (path: string) => boolean): readonly string[] => {
  const instructions = instructionsOf(text);
  const findings: string[] = [];
  const stages = new Set<string>();
  let last: Instruction[] = [];
  for (const instruction of instructions) {
    const { keyword, rest } = instruction;
    if (keyword === 'FROM') {
      const [image = '', , name] = rest.split(/\s+/);
      if (!stages.has(image) && !isPinned(image)) findings.push(`FROM ${image} is not pinned`);
      if (name) stages.add(name);
      last = [];
    }
    last.push(instruction);
    if (keyword === 'ADD') findings.push(`ADD ${rest}: COPY does what is seen, ADD also fetches and unpacks`);
    if (keyword === 'COPY') {
      const from = /--from=(\S+)/.exec(rest)?.[1];
      if (from !== undefined && !stages.has(from)) findings.push(`COPY from the unknown stage ${from}`);
      const source = rest.replaceAll(/--\S+\s+/g, '').split(/\s+/)[0] ?? '';
      const inContext = from === undefined ? source : source.replace(/^\/src\//, '');
      if (inContext !== 'node_modules' && !exists(inContext)) findings.push(`COPY ${source}: there is no such path`);
    }
    if (keyword === 'RUN' && /\bnpm\s+(install|i)\b/.test(rest)) findings.push('RUN npm install: npm ci installs what is locked');
    if (keyword === 'RUN' && /curl|wget/.test(rest)) findings.push('RUN fetches something without a hash');
    if ((keyword === 'ENV' || keyword === 'ARG') && /TOKEN|PASSWORD|SECRET|PRIVATE/i.test(rest)) findings.push(`${keyword} ${rest.split(/[=\s]/)[0] ?? ''} would stay in the image`);
  }
  const of = (keyword: string): readonly string[] => last.filter((instruction) => instruction.keyword === keyword).map(({ rest }) => rest);
  if (stages.size < 1) findings.push('there is no build stage: tools and sources would be in the image');
  const user = of('USER').at(-1) ?? 'root';
  if (!/^[1-9]\d*(:[1-9]\d*)?$/.test(user)) findings.push(`the image runs as ${user}: a number lets a cluster see that it is not root`);
  if (of('HEALTHCHECK').length === 0) findings.push('there is no HEALTHCHECK');
  if (!of('ENTRYPOINT').at(-1)?.startsWith('[')) findings.push('there is no ENTRYPOINT in exec form: a shell would keep signals from the process');
  if (!/\bnpm prune\b.*--omit=dev/.test(text.replaceAll(/\\\n/g, ' '))) findings.push('development packages are not pruned');
  return findings;
};
