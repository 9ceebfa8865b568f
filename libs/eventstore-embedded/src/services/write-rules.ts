import type { Caller } from '../grpc/access.ts';
import { isMetastreamName } from '../index/stream-table.ts';

export interface WriteRulesOptions {
  /** Beginnings of the names of streams whose events may not be deleted or hidden but by an admin. */
  readonly protectedPrefixes: readonly string[];
  /** Without users nobody is an admin, and system streams are open as ordinary ones are. */
  readonly hasUsers: boolean;
}

const DOLLAR = 0x24;
const ALL = Buffer.from('$all');
/** What hides events or says who may see them. Other keys of a stream's metadata change nothing. */
const TRUNCATING = ['$maxCount', '$maxAge', '$tb', '$acl'];

/** Who may write what. Asked once per call or append, never per event of an ordinary stream. */
export class WriteRules {
  private readonly prefixes: readonly Buffer[];
  private readonly hasUsers: boolean;

  constructor({ protectedPrefixes, hasUsers }: WriteRulesOptions) {
    this.prefixes = protectedPrefixes.map((prefix) => Buffer.from(prefix));
    this.hasUsers = hasUsers;
  }

  mayAppend(caller: Caller, name: Buffer): boolean {
    if (caller === 'read') return false;
    if (name[0] !== DOLLAR) return true;
    if (name.equals(ALL)) return false;
    return caller === 'admin' || !this.hasUsers || baseOf(name)[0] !== DOLLAR;
  }

  mayDelete(caller: Caller, name: Buffer): boolean {
    return this.mayAppend(caller, name) && (caller === 'admin' || !this.isProtected(baseOf(name)));
  }

  /** Must `isTruncating` be asked of every event this caller appends to the stream. */
  guardsMetadata(caller: Caller, name: Buffer): boolean {
    return name[0] === DOLLAR && caller !== 'admin' && isMetastreamName(name) && this.isProtected(baseOf(name));
  }

  private isProtected(name: Buffer): boolean {
    return this.prefixes.some((prefix) => name.length >= prefix.length && name.compare(prefix, 0, prefix.length, 0, prefix.length) === 0);
  }
}

/** Would these bytes, as the newest event of `$$stream`, hide events of the stream. Whatever its type: the store reads them all alike. */
export function isTruncating(data: Buffer): boolean {
  let metadata: unknown;
  try {
    metadata = JSON.parse(data.toString('utf8'));
  } catch {
    // Metadata that is not JSON says nothing.
    return false;
  }
  return typeof metadata === 'object' && metadata !== null && TRUNCATING.some((key) => key in metadata);
}

/** The stream that a metadata stream is about, through all layers of `$$`. */
function baseOf(name: Buffer): Buffer {
  let base = name;
  while (isMetastreamName(base)) base = base.subarray(2);
  return base;
}
