import { decodeIntent, decodeOrder, eventSubject, ID_TEXT, orderIdOfStream, toCloudEvent } from '@tallystick/contracts';
import type { JsonObject, RecordedEvent, Subscription } from '@tallystick/ports';
import type { ServicePorts } from '../shared/service-ports.ts';

/** Accounts of orders kept in mind; one that is not costs a read of its stream's first event. */
const ACCOUNTS_MAX = 50_000;
/** Where an event has no account. */
const NO_ACCOUNT = '-';

/**
 * Announces what is appended to orders and intents, as CloudEvents, for strategies and outsiders who are not on the log. From now
 * on, at least once while it runs, and nobody keeps it: who misses some asks the read models.
 */
export class Relay {
  private readonly accounts = new Map<string, string>();
  private subscription: Subscription | undefined;

  constructor(
    private readonly world: ServicePorts,
    private readonly onFailed: (error: unknown) => void,
  ) {}

  start(): void {
    this.subscription = this.world.store.subscribeAll({
      name: 'relay', after: 'end', streamPrefixes: ['order-', 'intent-'], onFailed: this.onFailed, onEvent: (event) => this.announce(event),
    });
  }

  async stop(): Promise<void> {
    await this.subscription?.stop();
  }

  isLive(): boolean {
    return this.subscription?.isLive() ?? false;
  }

  private async announce(recorded: RecordedEvent): Promise<void> {
    const orderId = orderIdOfStream(recorded.stream);
    const category = orderId === undefined ? 'intent' : 'order';
    const event = toCloudEvent(category, recorded);
    const account = orderId === undefined ? this.accountOfIntent(recorded) : await this.accountOfOrder(orderId, recorded);
    if (!event || account === undefined) {
      this.world.log.write('warn', 'relay.skipped', { stream: recorded.stream, revision: recorded.revision });
      return;
    }
    this.world.bus.announce(eventSubject(category, recorded.type, account), event as unknown as JsonObject);
    this.world.metrics.count('tally_relayed_total', { category });
  }

  private accountOfIntent(recorded: RecordedEvent): string | undefined {
    const decoded = decodeIntent(recorded);
    if (!decoded.ok) return undefined;
    return decoded.event.type === 'IntentConflicted' ? NO_ACCOUNT : token(decoded.event.data.intent.account);
  }

  private async accountOfOrder(orderId: string, recorded: RecordedEvent): Promise<string | undefined> {
    const known = this.accounts.get(orderId);
    if (known !== undefined) return known;
    let first: RecordedEvent | undefined = recorded;
    if (recorded.revision > 0) {
      const read = await this.world.store.read(recorded.stream, { maxCount: 1 });
      first = read.ok ? read.events[0] : undefined;
    }
    const decoded = first && decodeOrder(first);
    if (!decoded?.ok) return undefined;
    const { event } = decoded;
    if (event.type !== 'OrderApproved' && event.type !== 'OrderDenied') return NO_ACCOUNT;
    const account = token(event.data.terms.account);
    this.accounts.set(orderId, account);
    const [oldest] = this.accounts.keys();
    if (this.accounts.size > ACCOUNTS_MAX && oldest !== undefined) this.accounts.delete(oldest);
    return account;
  }
}

/** Only names become part of a subject. */
const token = (account: string): string => (ID_TEXT.test(account) ? account : NO_ACCOUNT);
