import { AsyncResource } from 'node:async_hooks';

import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { mergeMap, Observable, of } from 'rxjs';

import { isAsyncIterable } from '../server/handler-run.js';
import { XtcpContext } from '../server/xtcp-context.js';

/**
 * Brings what an async iterable or generator throws to the application's exception filters, which Nest itself does not:
 * it takes an iterable for a value. The iterable is still asked for an item only when the caller can take one.
 *
 *     { provide: APP_INTERCEPTOR, useClass: IteratorErrorsInterceptor }
 *
 * In a hybrid application this holds for its microservices with `inheritAppConfig: true`.
 */
export class IteratorErrorsInterceptor implements NestInterceptor {
  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const result = next.handle();
    if (execution.getType() !== 'rpc') return result;
    const context: unknown = execution.switchToRpc().getContext();
    if (!(context instanceof XtcpContext)) return result;
    return result.pipe(mergeMap((value) => (isAsyncIterable(value) ? observeOnDemand(value, context) : of(value))));
  }
}

/** An Observable that takes an item from `source` whenever the caller can take one. */
function observeOnDemand(source: AsyncIterable<unknown>, context: XtcpContext): Observable<unknown> {
  return new Observable((subscriber) => {
    const iterator = source[Symbol.asyncIterator]();
    let over = false;
    const step = async (): Promise<void> => {
      try {
        const result = await iterator.next();
        if (over) return;
        if (result.done === true) {
          over = true;
          subscriber.complete();
        } else {
          subscriber.next(result.value);
          context.whenWanted(ask);
        }
      } catch (error) {
        over = true;
        subscriber.error(error);
      }
    };
    // What the caller's credit wakes runs where that came in; the handler's async context is the one of now.
    const ask = AsyncResource.bind(() => {
      if (!over) void step();
    });
    context.whenWanted(ask);
    return () => {
      if (over) return;
      over = true;
      Promise.resolve(iterator.return?.()).catch(() => {});
    };
  });
}
