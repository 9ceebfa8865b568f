import { setTimeout as delay } from 'node:timers/promises';
import { at, text } from '../oracle/json.ts';
import type { Standalone } from '../system/standalone.ts';
import { ask, keepAlive, type HttpReply } from '../wire/http.ts';
import { RawNats, type NatsReply } from '../wire/nats.ts';

const TRY_MS = 10_000;
/** A submitter repeats the same key until it is answered; longer than this is no answer. */
const ANSWER_MS_MAX = 60_000;

/** Both ways in, used as strangers use them. */
export class Doors {
  readonly nats: RawNats;
  readonly gateway: string;
  readonly token: string;
  private readonly agent = keepAlive(32);

  constructor(system: Standalone) {
    this.nats = new RawNats(system.port('nats-server', 'nats'));
    this.gateway = system.gatewayUrl();
    this.token = text(system.secrets(), 'operator_token');
  }

  close(): void {
    this.nats.close();
    this.agent.destroy();
  }

  byNats(strategy: string, body: Uint8Array, timeoutMs = TRY_MS): Promise<NatsReply> {
    return this.nats.request(`tally.intent.${strategy}`, body, timeoutMs);
  }

  byHttp(key: string, body: Uint8Array | string, more: { readonly headers?: Readonly<Record<string, string>>; readonly chunked?: boolean } = {}): Promise<HttpReply> {
    return ask({
      method: 'POST', url: `${this.gateway}/v1/intents`, body, agent: this.agent, ...(more.chunked === true ? { chunked: true } : {}),
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json', 'idempotency-key': key, ...more.headers },
    });
  }

  /** The receipt, whichever way; asks again with the same key for as long as nobody answers for good. `tries`: how often it was sent. */
  async submit(channel: 'nats' | 'http', submission: { readonly strategy: string; readonly key: string; readonly body: string }): Promise<{ readonly receipt: unknown; readonly tries: number }> {
    const untilMs = performance.now() + ANSWER_MS_MAX;
    for (let tries = 1; ; tries += 1) {
      const receipt = await this.tryOnce(channel, submission);
      if (receipt !== undefined) return { receipt, tries };
      if (performance.now() > untilMs) throw new Error(`no answer to ${submission.key} by ${channel} within ${ANSWER_MS_MAX / 1_000} s`);
      await delay(50);
    }
  }

  private async tryOnce(channel: 'nats' | 'http', { strategy, key, body }: { readonly strategy: string; readonly key: string; readonly body: string }): Promise<unknown> {
    const answer = channel === 'nats' ? receiptOfNats(await this.byNats(strategy, Buffer.from(body))) : receiptOfHttp(await this.byHttp(key, body));
    return answer === undefined || text(answer, 'status') === 'unavailable' ? undefined : answer;
  }
}

export const receiptOfNats = (reply: NatsReply): unknown => {
  if (reply.kind !== 'answer') return undefined;
  const answer: unknown = JSON.parse(reply.body.toString('utf8'));
  // {ok: false, retryable}: a refusal of the transport, not a receipt.
  return at(answer, 'ok') === false ? undefined : answer;
};

/** The receipt, or the problem where a body did not get as far as one. */
export const receiptOfHttp = ({ status, body }: HttpReply): unknown => {
  if (status === 200 || status === 202) return body;
  return status === 400 || status === 413 || status === 422 ? (at(body, 'receipt') ?? body) : undefined;
};
