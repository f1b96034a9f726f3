import type { MessageHandler } from '@nestjs/microservices';
import { isObservable, type Subscription } from 'rxjs';

import type { Cancel } from '../clock/clock.js';
import type { XtcpContext } from './xtcp-context.js';

/** How a handler ended. */
export type Outcome =
  /** Its value, or the last one of its Observable; undefined where there was none. */
  | { readonly kind: 'value'; readonly value: unknown }
  /** What the exception filters made of its error. */
  | { readonly kind: 'filtered'; readonly error: unknown }
  /** An error that no filter took: one of a filter itself, or of a handler that is not Nest's. */
  | { readonly kind: 'unfiltered'; readonly error: unknown };

/**
 * Runs a handler to its end and says, once, how it ended. Nest's handlers give what their filters produced as an
 * Observable that fails (RpcProxy), so that a rejected promise is an error that went past the filters.
 * @returns what to call when nobody waits any more: unsubscribes; the end is told then, as a value
 */
export function runHandler(
  handler: MessageHandler,
  data: unknown,
  context: XtcpContext,
  onEnd: (outcome: Outcome) => void,
): Cancel {
  let ended = false;
  let cancelled = false;
  let subscription: Subscription | undefined;
  const end = (outcome: Outcome): void => {
    if (ended) return;
    ended = true;
    onEnd(outcome);
  };
  const started = (result: unknown): void => {
    if (!isObservable(result)) {
      end({ kind: 'value', value: result });
      return;
    }
    // Whoever waited may have left while the handler was getting ready; then its Observable never begins.
    if (cancelled) {
      end({ kind: 'value', value: undefined });
      return;
    }
    let value: unknown;
    subscription = result.subscribe({
      next: (next) => {
        value = next;
      },
      error: (error: unknown) => {
        end({ kind: 'filtered', error });
      },
      complete: () => {
        end({ kind: 'value', value });
      },
    });
  };
  const failed = (error: unknown): void => {
    end({ kind: 'unfiltered', error });
  };
  try {
    Promise.resolve(handler(data, context)).then(started, failed);
  } catch (error) {
    failed(error);
  }
  return () => {
    cancelled = true;
    if (subscription === undefined) return;
    subscription.unsubscribe();
    end({ kind: 'value', value: undefined });
  };
}
