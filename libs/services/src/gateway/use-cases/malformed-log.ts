import { auditStream, sha256Hex } from '@tallystick/contracts';
import type { AuditEvent } from '@tallystick/domain';
import { OwnedStream } from '@tallystick/event-sourcing';
import { auditFolding } from '../../shared/foldings.ts';
import { recordContext, type ServicePorts } from '../../shared/service-ports.ts';

/** Beyond this many waiting to be recorded, further ones are refused as busy rather than held in memory. */
const QUEUE_MAX = 200;

export type Recorded = { readonly ok: true } | { readonly ok: false; readonly code: string; readonly detail: string };

/** Bodies that are no JSON the intents service could be sent: what was wrong, their size and hash, on the gateway's own audit stream. */
export class MalformedLog {
  private stream: Promise<OwnedStream<null, AuditEvent> | undefined> | undefined;
  private waiting = 0;

  constructor(private readonly world: ServicePorts) {}

  async record(body: { readonly bytes: number; readonly seen: Uint8Array }, fault: { readonly code: string; readonly detail: string }): Promise<Recorded> {
    if (this.waiting >= QUEUE_MAX) return { ok: false, code: 'BUSY', detail: 'too many malformed bodies at once' };
    this.waiting += 1;
    try {
      const owned = await this.open();
      if (!owned) return { ok: false, code: 'STORE_UNAVAILABLE', detail: 'the audit stream cannot be read' };
      const requestId = this.world.ports.ids.unique('request');
      const recorded = await owned.submit(recordContext(this.world, '', { correlationId: requestId, causationId: requestId }), () => ({
        result: undefined,
        facts: [{ id: this.world.ports.ids.unique('audit'), event: { type: 'IntentMalformed', data: {
          request_id: requestId, code: fault.code, detail: fault.detail.slice(0, 1024), bytes: body.bytes, body_sha256: sha256Hex(Buffer.from(body.seen).toString('latin1')), channel: 'http' } } }],
      }));
      return recorded.ok ? { ok: true } : { ok: false, code: recorded.code, detail: recorded.detail };
    } finally {
      this.waiting -= 1;
    }
  }

  /** Opened with the first malformed body; a store that could not be read is asked again with the next. */
  private async open(): Promise<OwnedStream<null, AuditEvent> | undefined> {
    this.stream ??= OwnedStream.open(this.world.store, auditFolding, auditStream(this.world.identity.instance)).then((opened) => (opened.ok ? opened.owned : undefined));
    const owned = await this.stream;
    if (!owned) this.stream = undefined;
    return owned;
  }
}
