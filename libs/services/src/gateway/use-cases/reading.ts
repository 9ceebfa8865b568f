import type { Position } from '@tallystick/ports';
import type { GatewayPorts, PagedView, Views } from '../gateway-ports.ts';
import { Problem } from '../http/problem.ts';

/** How long a read waits for the projection: longer than it is ever behind when all is well, shorter than a person's patience. */
export const WAIT_MS_MAX = 5_000;

export interface AtAsked {
  readonly as_of?: string | undefined;
  readonly min_position?: string | undefined;
}

/** The state a read is answered from. */
export interface ReadAt {
  readonly views: Views;
  /** Absent for the newest state. */
  readonly at: Position | undefined;
  /** The log position the answer is of, as text. */
  readonly position: string;
}

const POSITION = /^\d{1,19}$/;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/i;

const behind = (views: Views, wanted: Position): Problem => new Problem({
  status: 504, code: 'PROJECTION_BEHIND', headers: { 'Retry-After': '1' },
  detail: `the read model is at ${views.position()} and did not reach ${wanted} within ${WAIT_MS_MAX} ms; ask again, or without min_position for what there is`,
});

const awaitPosition = async ({ readModel }: GatewayPorts, wanted: Position): Promise<void> => {
  if (!(await readModel.waitFor(wanted, WAIT_MS_MAX))) throw behind(readModel.queries, wanted);
};

/** Waits for `min_position` (PROJECTION_BEHIND after 5 s) and finds what `as_of` names: a log position or an RFC 3339 time (AS_OF_INVALID). */
export const readAt = async (ports: GatewayPorts, { as_of: asOf, min_position: minPosition }: AtAsked): Promise<ReadAt> => {
  const { readModel: { queries: views } } = ports;
  if (minPosition !== undefined) await awaitPosition(ports, BigInt(minPosition));
  if (asOf === undefined) return { views, at: undefined, position: views.position().toString() };
  if (POSITION.test(asOf)) {
    const at = BigInt(asOf);
    await awaitPosition(ports, at);
    return { views, at, position: asOf };
  }
  const timeMs = TIME.test(asOf) ? Date.parse(asOf) : Number.NaN;
  if (Number.isNaN(timeMs)) throw new Problem({ status: 400, code: 'AS_OF_INVALID', detail: 'as_of is a log position (digits) or a time with its zone, as 2013-10-08T14:30:00Z' });
  const at = views.positionAt(timeMs);
  return { views, at, position: at.toString() };
};

export const pageAnswer = <T>(paged: PagedView<T>, position: string): { readonly version: 1; readonly items: readonly T[]; readonly next?: string; readonly position: string } => {
  if (!paged.ok) throw new Problem({ status: 400, code: paged.code, detail: 'the cursor is not one that this API gave; start without it' });
  return { version: 1, items: paged.page.items, ...(paged.page.next === undefined ? {} : { next: paged.page.next }), position };
};
