import { isObservable, type Observable } from 'rxjs';

import type { ItemSender } from '../session/item-sender.js';

/** How data that is a stream is sent; undefined for any other. */
export function inputOf(data: unknown): ((sender: ItemSender) => void) | undefined {
  if (isObservable(data)) {
    return (sender) => {
      sendObservable(data, sender);
    };
  }
  if (typeof data === 'object' && data !== null && Symbol.asyncIterator in data) {
    return (sender) => {
      sender.pull(data as AsyncIterable<unknown>);
    };
  }
  return undefined;
}

function sendObservable(source: Observable<unknown>, sender: ItemSender): void {
  const subscription = source.subscribe({
    next: (value) => {
      sender.push(value);
    },
    error: (error: unknown) => {
      sender.failSource(error);
    },
    complete: () => {
      sender.complete();
    },
  });
  sender.onStop(() => {
    subscription.unsubscribe();
  });
}
