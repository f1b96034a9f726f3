import type { LoggerService } from '@nestjs/common';

import { encodePayload } from '../classic/payload.js';
import type { Answer } from '../classic/responder.js';
import type { XtcpError } from '../errors/xtcp-error.js';
import type { ErrorTeller, ServedCall } from '../session/served-call.js';
import { errorOf, type ErrorOrigin } from './error-of.js';
import type { ResultSink } from './handler-run.js';
import { TrackedIterable } from './tracked-iterable.js';
import type { XtcpContext } from './xtcp-context.js';

/** The answer to a classic request: the last value that there was, or the error. */
export class ClassicReply implements ResultSink {
  private last: unknown;

  constructor(
    private readonly answer: Answer,
    private readonly logger: LoggerService,
  ) {}

  next(value: unknown): void {
    this.last = value;
  }

  items(source: AsyncIterable<unknown>): void {
    drain(source, this);
  }

  only(value: unknown): void {
    this.last = value;
    this.complete();
  }

  complete(): void {
    try {
      this.answer(encodePayload(this.last));
    } catch (error) {
      this.fail(error, 'unfiltered');
    }
  }

  fail(error: unknown, origin: ErrorOrigin): void {
    const told = errorOf(error, origin);
    if (told.toLog !== undefined) this.logger.error(told.toLog);
    this.answer(told.error);
  }
}

/** The answer to a call of a session. */
export class SessionReply implements ResultSink, ErrorTeller {
  /** A value of an Observable that may turn out to be its only one, which makes it one frame with the end. */
  private held: { readonly value: unknown } | undefined;

  constructor(
    private readonly call: ServedCall,
    private readonly context: XtcpContext,
    private readonly logger: LoggerService,
  ) {
    call.errors = this;
    context.paceBy(call);
  }

  /** Of the items' source, or of what it gave. */
  toError(error: unknown, origin: ErrorOrigin): XtcpError {
    const told = errorOf(error, origin);
    if (told.toLog !== undefined) this.logger.error(told.toLog);
    return told.error;
  }

  next(value: unknown): void {
    if (this.held === undefined && !this.call.hasItems) {
      const held = { value };
      this.held = held;
      // What completes does so at once where one value is all there is; whoever waits for more, waits from here on.
      queueMicrotask(() => {
        if (this.held === held) this.release();
      });
      return;
    }
    this.release();
    this.call.items.push(value);
  }

  items(source: AsyncIterable<unknown>): void {
    this.release();
    this.setMetadata();
    if (source instanceof TrackedIterable) this.call.items.take(source);
    else this.call.items.pull(source);
  }

  only(value: unknown): void {
    this.setMetadata();
    try {
      this.call.answer(value);
    } catch (error) {
      this.fail(error, 'unfiltered');
    }
  }

  complete(): void {
    const { held } = this;
    if (held !== undefined) {
      this.held = undefined;
      this.only(held.value);
      return;
    }
    this.setMetadata();
    this.call.completeItems();
  }

  fail(error: unknown, origin: ErrorOrigin): void {
    this.release();
    this.setMetadata();
    this.call.failItems(this.toError(error, origin));
  }

  private release(): void {
    const { held } = this;
    this.held = undefined;
    if (held !== undefined) this.call.items.push(held.value);
  }

  /** At the end, so that a handler may set it while it runs. */
  private setMetadata(): void {
    this.call.answerMetadata = this.context;
  }
}

/** The end of a handler of events, whose values nobody sees. */
export class EventSink implements ResultSink {
  /** What the emitter is told, if it waits for that. */
  error: XtcpError | undefined;

  constructor(private readonly logger: LoggerService) {}

  next(): void {}

  items(source: AsyncIterable<unknown>): void {
    drain(source, this);
  }

  only(): void {}

  complete(): void {}

  fail(error: unknown, origin: ErrorOrigin): void {
    const told = errorOf(error, origin);
    this.error = told.error;
    if (told.toLog !== undefined) this.logger.error(told.toLog);
  }
}

/** Takes all items, as fast as they come. */
function drain(source: AsyncIterable<unknown>, sink: ResultSink): void {
  const take = async (): Promise<void> => {
    for await (const value of source) sink.next(value);
  };
  take().then(
    () => {
      sink.complete();
    },
    (error: unknown) => {
      sink.fail(error, 'iterator');
    },
  );
}
