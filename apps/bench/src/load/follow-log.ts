import type { RecordedEvent } from '@tallystick/ports';
import type { Target } from './target.ts';
import type { OrderKind } from './target.ts';

/** Follows the log's streams of these prefixes; `markOf` says of which order an event is a part that is done. */
export const followLog = (streamPrefixes: readonly string[], markOf: (event: RecordedEvent, kind: OrderKind) => string | undefined): Target['follow'] =>
  async (system, kind, onMark, onFailed) => {
    let live: () => void = () => undefined;
    const caughtUp = new Promise<void>((resolve) => (live = resolve));
    const subscription = system.store.subscribeAll({
      name: 'bench', after: 'end', streamPrefixes, onCaughtUp: () => live(), onFailed,
      onEvent: (event) => {
        const orderId = markOf(event, kind);
        if (orderId !== undefined) onMark(orderId);
      },
    });
    await caughtUp;
    return () => subscription.stop();
  };
