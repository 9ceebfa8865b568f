import { parseKillScope, type KillMode, type KillScope, type KillState } from '@tallystick/domain';

/** What the kill file asks for, one a scope. */
export interface FileKill {
  readonly scope: KillScope;
  readonly mode: KillMode;
}

/**
 * The file on the execution host that stops it with everything else dead. Looked at synchronously, right before each send: a file that cannot be
 * looked at is there.
 */
export interface KillFile {
  readonly path: string;
  /** Empty when there is no file. */
  look(): readonly FileKill[];
}

export const NO_KILL_FILE: KillFile = { path: '', look: () => [] };

/** An empty file, and one that nobody can read, stops the firm. Only a mode that is asked for cancels. */
export const WHOLE_FIRM: readonly FileKill[] = [{ scope: 'firm', mode: 'stop_new' }];

const modeOf = (text: unknown): KillMode | undefined => (text === undefined || text === 'stop_new' ? 'stop_new' : text === 'stop_and_cancel' ? 'stop_and_cancel' : undefined);

const killOf = (scope: unknown, mode: unknown): FileKill | undefined => {
  const known = modeOf(mode);
  return typeof scope === 'string' && parseKillScope(scope) !== undefined && known !== undefined ? { scope, mode: known } : undefined;
};

const all = (kills: readonly (FileKill | undefined)[]): readonly FileKill[] => {
  const read = kills.filter((kill) => kill !== undefined);
  return read.length === kills.length && read.length > 0 ? read : WHOLE_FIRM;
};

const fromJson = (value: unknown): readonly FileKill[] => {
  if (typeof value !== 'object' || value === null) return WHOLE_FIRM;
  const { scopes, mode } = value as { readonly scopes?: unknown; readonly mode?: unknown };
  return all((Array.isArray(scopes) ? (scopes as readonly unknown[]) : ['firm']).map((scope) => killOf(scope, mode)));
};

/**
 * `{"scopes":["account:paper-1"],"mode":"stop_and_cancel"}`, or a scope a line with an optional mode after it (`#` begins a comment). The mode is
 * `stop_new` where none is said. Whatever cannot be read as that means the firm: a mistyped scope must not stop less than was meant.
 */
export const parseKillFile = (text: string): readonly FileKill[] => {
  const trimmed = text.trim();
  if (trimmed.startsWith('{')) {
    try {
      return fromJson(JSON.parse(trimmed));
    } catch {
      return WHOLE_FIRM;
    }
  }
  const lines = trimmed.split('\n').map((line) => line.replace(/#.*/, '').trim()).filter((line) => line !== '');
  return all(lines.map((line) => {
    const [scope, mode, ...more] = line.split(/\s+/);
    return more.length === 0 ? killOf(scope, mode) : undefined;
  }));
};

/** The switch of the log and the file together: either stops. */
export const withFile = (state: KillState, kills: readonly FileKill[]): KillState => {
  if (kills.length === 0) return state;
  const engaged = new Map(state.engaged);
  for (const { scope, mode } of kills) {
    if (!engaged.has(scope)) engaged.set(scope, { kill_id: `file/${scope}`, scope, mode, reason: 'the kill file is there', engaged_by: 'file', via: 'file', requested_at_ms: 0 });
  }
  return { ...state, engaged };
};
