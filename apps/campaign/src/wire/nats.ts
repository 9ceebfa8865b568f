import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** An answer, or why there is none. `refused`: the server said -ERR and closed the connection. */
export type NatsReply = { readonly kind: 'answer'; readonly body: Buffer } | { readonly kind: 'no_responders' } | { readonly kind: 'timeout' } | { readonly kind: 'refused'; readonly detail: string };

const CRLF = Buffer.from('\r\n');

/**
 * A client of NATS in its text protocol over a plain socket, and nothing but requests: it shares no code with the transport under
 * test, and it sends whatever bytes it is given. Reconnects for the next request when the server hung up.
 */
export class RawNats {
  private socket: Socket | undefined;
  private opening: Promise<void> | undefined;
  private buffer: Buffer = Buffer.alloc(0);
  private readonly inbox = `_INBOX.${randomBytes(8).toString('hex')}`;
  private readonly waiting = new Map<string, (reply: NatsReply) => void>();
  private drawn = 0;
  private closed = false;

  constructor(private readonly port: number) {}

  /** The first reply to `body` on `subject`. */
  async request(subject: string, body: Uint8Array, timeoutMs: number): Promise<NatsReply> {
    try {
      await this.open();
    } catch (error) {
      return { kind: 'refused', detail: error instanceof Error ? error.message : String(error) };
    }
    this.drawn += 1;
    const reply = `${this.inbox}.${this.drawn}`;
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle({ kind: 'timeout' }), timeoutMs);
      const settle = (answer: NatsReply): void => {
        clearTimeout(timer);
        this.waiting.delete(reply);
        resolve(answer);
      };
      this.waiting.set(reply, settle);
      this.socket?.write(Buffer.concat([Buffer.from(`PUB ${subject} ${reply} ${body.byteLength}\r\n`), body, CRLF]));
    });
  }

  close(): void {
    this.closed = true;
    this.socket?.destroy();
  }

  private open(): Promise<void> {
    if (this.socket && !this.socket.destroyed) return this.opening ?? Promise.resolve();
    const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true });
    this.socket = socket;
    this.buffer = Buffer.alloc(0);
    this.opening = new Promise<void>((resolve, reject) => {
      socket.once('connect', () => {
        socket.write(`CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"lang":"raw","version":"1","protocol":1}\r\nSUB ${this.inbox}.* 1\r\nPING\r\n`);
      });
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed')));
      this.onReady = resolve;
    });
    socket.on('data', (chunk) => this.read(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.hungUp(this.closed ? 'closed' : this.lastError));
    return this.opening;
  }

  private onReady: () => void = () => undefined;
  private lastError = 'the server closed the connection';

  private hungUp(detail: string): void {
    for (const settle of this.waiting.values()) settle({ kind: 'refused', detail });
  }

  private read(chunk: Buffer): void {
    this.buffer = Buffer.concat([this.buffer, chunk]);
    for (;;) {
      const end = this.buffer.indexOf(CRLF);
      if (end < 0) return;
      const line = this.buffer.toString('latin1', 0, end);
      const words = line.split(' ');
      const isMessage = words[0] === 'MSG' || words[0] === 'HMSG';
      const size = isMessage ? Number(words.at(-1)) : 0;
      const total = end + 2 + (isMessage ? size + 2 : 0);
      if (this.buffer.length < total) return;
      const payload = this.buffer.subarray(end + 2, end + 2 + size);
      this.buffer = this.buffer.subarray(total);
      this.take(line, words, payload);
    }
  }

  private take(line: string, words: readonly string[], payload: Buffer): void {
    if (words[0] === 'PING') this.socket?.write('PONG\r\n');
    else if (words[0] === 'PONG') this.onReady();
    else if (words[0] === '-ERR') this.lastError = line;
    else if (words[0] === 'MSG' || words[0] === 'HMSG') {
      const headerBytes = words[0] === 'HMSG' ? Number(words.at(-2)) : 0;
      const isStatus = headerBytes > 0 && payload.toString('latin1', 0, headerBytes).startsWith('NATS/1.0 503');
      this.waiting.get(words[1] ?? '')?.(isStatus ? { kind: 'no_responders' } : { kind: 'answer', body: Buffer.from(payload.subarray(headerBytes)) });
    }
  }
}
