import type { MessageHandler } from '@nestjs/microservices';
import { isObservable, type Subscription } from 'rxjs';

import type { Cancel, Clock } from '../clock/clock.js';
import type { ErrorOrigin } from './error-of.js';
import type { XtcpContext } from './xtcp-context.js';

/** Where a handler's result goes. One of the last three ends it. */
export interface ResultSink {
  /** A value of an Observable. */
  next(value: unknown): void;
  /** An async iterable, to be asked for its items as the caller takes them; its end is the end of the answer. */
  items(source: AsyncIterable<unknown>): void;
  /** The only value, and the end. */
  only(value: unknown): void;
  complete(): void;
  fail(error: unknown, origin: ErrorOrigin): void;
}

/** Runs what a handler does: in the plain, or within its call's async context. */
export type Scope = <T>(run: () => T) => T;

/**
 * Milliseconds for which a handler that was cut off before it gave anything is taken to go on. Behind an interceptor, a
 * promise looks like an Observable, and unsubscribing from it shows nothing of the function that still runs. So a
 * caller who opens and cancels in a loop has no more of them at once than places in such a time.
 */
const UNSEEN_END_MS = 1000;

/**
 * Runs a handler, once, and hands over what it gives. Nest's handlers give what their filters produced as an
 * Observable that fails (RpcProxy), so that a rejected promise is an error that went past the filters.
 * @param onEnd called once, when nothing of the handler runs any more; behind the sink's end
 * @returns what to call when nobody waits any more: unsubscribes from Observables and returns from iterators
 */
export function runHandler(
  handler: MessageHandler,
  data: unknown,
  context: XtcpContext,
  sink: ResultSink,
  scope: Scope,
  clock: Clock,
  onEnd: () => void,
): Cancel {
  let cancelled = false;
  let ended = false;
  let hasGiven = false;
  let subscription: Subscription | undefined;
  let iterable: TrackedIterable | undefined;
  const end = (): void => {
    if (ended) return;
    ended = true;
    onEnd();
  };
  const iterate = (source: AsyncIterable<unknown>): void => {
    try {
      iterable = new TrackedIterable(source, scope, end);
    } catch (error) {
      sink.fail(error, 'iterator');
      end();
      return;
    }
    sink.items(iterable);
  };
  const observe = (observer: (on: Observing) => Subscription): void => {
    const on: Observing = {
      next: (value) => {
        hasGiven = true;
        if (iterable !== undefined) return;
        if (isAsyncIterable(value)) iterate(value);
        else sink.next(value);
      },
      error: (error) => {
        if (iterable !== undefined) return;
        sink.fail(error, 'filtered');
        end();
      },
      complete: () => {
        // Interceptors make an Observable of one value of an iterable; the iterable's end is what counts then.
        if (iterable !== undefined) return;
        sink.complete();
        end();
      },
    };
    const subscribed = scope(() => observer(on));
    subscription = subscribed;
    if (cancelled) subscribed.unsubscribe();
  };
  const started = (result: unknown): void => {
    if (isObservable(result)) {
      // Whoever waited may have left while the handler was getting ready; then its Observable never begins.
      if (cancelled) end();
      else observe((on) => result.subscribe(on));
    } else if (isAsyncIterable(result)) {
      if (cancelled) end();
      else iterate(result);
    } else {
      sink.only(result);
      end();
    }
  };
  const failed = (error: unknown): void => {
    sink.fail(error, 'unfiltered');
    end();
  };
  scope(async () => handler(data, context)).then(started, failed);
  return () => {
    if (cancelled) return;
    cancelled = true;
    if (iterable !== undefined) {
      iterable.stop();
    } else if (subscription !== undefined) {
      subscription.unsubscribe();
      if (hasGiven) end();
      else clock.after(UNSEEN_END_MS, end);
    }
  };
}

interface Observing {
  next(value: unknown): void;
  error(error: unknown): void;
  complete(): void;
}

/** Nest's rule for a result that is iterated: it has an async iterator and is no promise. */
export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value && !('then' in value);
}

/** An async iterable that is iterated once, each step within its call's scope, and that tells when it has ended. */
class TrackedIterable implements AsyncIterableIterator<unknown> {
  private readonly iterator: AsyncIterator<unknown>;
  private running = 0;
  private over = false;

  constructor(
    source: AsyncIterable<unknown>,
    private readonly scope: Scope,
    private readonly onEnd: () => void,
  ) {
    this.iterator = scope(() => source[Symbol.asyncIterator]());
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<unknown>> {
    if (this.over) return { done: true, value: undefined };
    this.running++;
    try {
      const result = await this.scope(() => this.iterator.next());
      if (result.done === true) this.over = true;
      return result;
    } catch (error) {
      this.over = true;
      throw error;
    } finally {
      this.running--;
      this.settle();
    }
  }

  async return(): Promise<IteratorResult<unknown>> {
    if (!this.over) {
      this.over = true;
      this.running++;
      try {
        await this.scope(() => this.iterator.return?.());
      } finally {
        this.running--;
        this.settle();
      }
    }
    return { done: true, value: undefined };
  }

  /** As {@link return}, for where nobody waits. */
  stop(): void {
    this.return().catch(() => {});
  }

  /** It has ended when it is over and nothing of it runs: a generator may still be busy with its last item. */
  private settle(): void {
    // Behind everything that the end of the iterator sets off in promises: the answer first, then the end.
    if (this.over && this.running === 0) setImmediate(this.onEnd);
  }
}
