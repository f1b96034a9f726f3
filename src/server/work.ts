import type { LoggerService } from '@nestjs/common';

import type { Answer } from '../classic/responder.js';
import { XtcpError } from '../errors/xtcp-error.js';
import type { ObservedServerCall } from '../observe/server-call.js';
import type { CallStopper, ServedCall } from '../session/served-call.js';
import type { HandlerRun, RunOwner } from './handler-run.js';
import type { EventSink } from './replies.js';
import type { XtcpContext } from './xtcp-context.js';

/** Nest's processing hooks (`Server.runWithProcessingHooks`). */
export interface ProcessingHooks {
  /** Whether the application has set any; where it has not, going through them would only cost time. */
  readonly areSet: boolean;
  /** Calls the start hook, which calls `run`, to whom `end` is what calls the end hook. */
  around(context: XtcpContext, run: (end: () => void) => Promise<void>): unknown;
}

/** Where work is done. */
export interface Workplace {
  readonly hooks: ProcessingHooks;
  readonly logger: LoggerService;
  /** Work has come. */
  began(): void;
  /** Nothing of it runs any more. */
  ended(): void;
}

const noHook = (): void => {};

/**
 * The handlers that one call or event goes to, which together are one unit for hooks and limits. The first is kept
 * apart from the others, of which there mostly are none: V8 takes an array made for each call for something that lasts,
 * and puts it, with all it holds, where only full collections look. Measured: 1.2 KB less of that a call.
 */
abstract class Work implements RunOwner {
  /** `ready`: the start hook has not yet let it begin. */
  private state: 'ready' | 'running' | 'ended' = 'ready';
  private hasStarted = false;
  private unfinished: number;
  private endHook: () => void = noHook;

  constructor(
    private readonly place: Workplace,
    protected readonly context: XtcpContext,
    private readonly first: HandlerRun,
    private readonly others: readonly HandlerRun[],
    /** Undefined where nobody watches. */
    protected readonly observed: ObservedServerCall | undefined,
  ) {
    this.unfinished = 1 + others.length;
  }

  /** All handlers have been called. */
  protected abstract onStarted(): void;
  /** Nothing of it runs any more. */
  protected abstract onEnded(): void;
  /** A hook failed, so that no handler was called. */
  protected abstract onRefused(error: XtcpError): void;

  begin(): void {
    const { hooks } = this.place;
    this.place.began();
    // Measured: the way through Nest's hooks makes 1.7 KB of garbage a call, a sixth of all.
    if (!hooks.areSet) {
      this.start(noHook);
      return;
    }
    try {
      // A start hook may be async, and may drop or await what it is given, so that must not reject.
      const hook = hooks.around(this.context, async (endHook) => {
        this.start(endHook);
      });
      Promise.resolve(hook).catch((error: unknown) => {
        this.hookFailed(error);
      });
    } catch (error) {
      this.hookFailed(error);
    }
  }

  /** Nobody waits any more. */
  cancel(): void {
    if (this.state === 'ready') this.end();
    // Those that were not started have nothing to stop.
    if (!this.hasStarted) return;
    this.first.cancel();
    for (const run of this.others) run.cancel();
  }

  private start(endHook: () => void): void {
    if (this.hasStarted) return;
    if (this.state === 'ended') {
      // The caller left while the start hook waited: no handler runs, but what the hook began has an end.
      this.hasStarted = true;
      this.callHook(endHook);
      return;
    }
    this.hasStarted = true;
    this.state = 'running';
    this.endHook = endHook;
    this.first.start(this);
    for (const run of this.others) run.start(this);
    this.onStarted();
  }

  /** For the runs. */
  runEnded(): void {
    if (--this.unfinished > 0) return;
    this.end();
    this.callHook(this.endHook);
  }

  cleanUpFailed(error: unknown): void {
    this.place.logger.error(error);
  }

  private end(): void {
    this.state = 'ended';
    this.onEnded();
    this.place.ended();
    this.observed?.left();
  }

  private hookFailed(error: unknown): void {
    this.place.logger.error(error);
    if (this.state !== 'ready') return;
    this.onRefused(new XtcpError('INTERNAL', 'Internal server error'));
    this.end();
  }

  private callHook(endHook: () => void): void {
    try {
      endHook();
    } catch (error) {
      this.place.logger.error(error);
    }
  }
}

/** The handlers of a classic request. */
export class ClassicWork extends Work {
  /** @param sinks those of its handlers, where no handler of calls answers it */
  constructor(
    place: Workplace,
    context: XtcpContext,
    first: HandlerRun,
    others: readonly HandlerRun[],
    private readonly sinks: readonly EventSink[] | undefined,
    private readonly answer: Answer,
    observed: ObservedServerCall | undefined,
  ) {
    super(place, context, first, others, observed);
  }

  protected override onStarted(): void {}

  protected override onEnded(): void {
    if (this.sinks === undefined) return;
    // Its emitter is not told of it, which classic has no place for.
    this.observed?.ended(failureOf(this.sinks));
    this.answer('');
  }

  protected override onRefused(error: XtcpError): void {
    this.answer(error);
  }
}

/** The handlers of a call or an event of a session. */
export class SessionWork extends Work implements CallStopper {
  /** @param sinks those of an event's handlers; undefined where a handler of calls answers */
  constructor(
    place: Workplace,
    context: XtcpContext,
    first: HandlerRun,
    others: readonly HandlerRun[],
    private readonly call: ServedCall,
    private readonly sinks: readonly EventSink[] | undefined,
    observed: ObservedServerCall | undefined,
  ) {
    super(place, context, first, others, observed);
    // An event may be acknowledged long before it has ended.
    if (sinks === undefined) call.watcher = observed;
    call.stopper = this;
  }

  /** For its call. */
  stop(reason: XtcpError): void {
    // Behind the caller's end, if it was told of one.
    this.observed?.ended(reason);
    this.context.abort(reason);
    this.cancel();
  }

  protected override onStarted(): void {
    this.call.received();
  }

  protected override onEnded(): void {
    const { call, sinks } = this;
    const failed = sinks && failureOf(sinks);
    this.observed?.ended(failed);
    if (failed !== undefined && call.opened.kind === 'event') call.fail(failed);
    else if (sinks !== undefined) call.complete();
    call.leave();
  }

  protected override onRefused(error: XtcpError): void {
    this.observed?.ended(error);
    this.call.fail(error);
    this.call.leave();
  }
}

function failureOf(sinks: readonly EventSink[]): XtcpError | undefined {
  return sinks.find(({ error }) => error !== undefined)?.error;
}
