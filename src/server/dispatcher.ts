import type { Socket } from 'node:net';

import type { LoggerService } from '@nestjs/common';
import type { MessageHandler } from '@nestjs/microservices';

import { decodePayload } from '../classic/payload.js';
import { METHOD, PARAMS, type Answer } from '../classic/responder.js';
import type { Cancel } from '../clock/clock.js';
import { XtcpError } from '../errors/xtcp-error.js';
import type { PayloadKind } from '../options/payload-kind.js';
import type { Frame } from '../wire/frame.js';
import { answerOf } from './answer.js';
import type { Route, Router, XtcpExtras } from './router.js';
import { runHandler, type Outcome } from './run-handler.js';
import { XtcpContext } from './xtcp-context.js';

/** Nest's own words (NO_MESSAGE_HANDLER). */
const NO_HANDLER = 'There is no matching message handler defined in the remote service.';

/** Who is calling. */
export interface Peer {
  readonly socket: Socket;
  /** Kept apart, since a closed socket no longer knows it. */
  readonly remoteAddress: string | undefined;
}

/** Nest's `Server.runWithProcessingHooks`: `run` is called by the start hook, `end` calls the end hook. */
export type WithHooks = (context: XtcpContext, run: (end: () => void) => Promise<void>) => unknown;

/** A handler with the payload that it gets. */
interface Job {
  readonly handler: MessageHandler;
  readonly data: unknown;
}

/** Takes one classic request to its handlers, and their outcome to its answer. */
export class Dispatcher {
  private running = 0;
  private readonly onIdle: (() => void)[] = [];

  constructor(
    private readonly router: Router,
    private readonly payload: PayloadKind,
    private readonly withHooks: WithHooks,
    private readonly logger: LoggerService,
  ) {}

  /** Resolves when no handler runs; those whose caller is gone count too. */
  async idle(): Promise<void> {
    if (this.running > 0) await new Promise<void>((resolve) => this.onIdle.push(resolve));
  }

  /** @returns what to call when nobody waits for the answer any more */
  serve(peer: Peer, request: Frame, answer: Answer): Cancel {
    let pattern: string;
    let route: Route | undefined;
    let jobs: Job[];
    try {
      pattern = request.text(METHOD);
      route = this.router.find(pattern);
      if (route === undefined) throw new XtcpError('UNIMPLEMENTED', NO_HANDLER);
      jobs = handlersOf(route).map((handler) => ({
        handler,
        data: decodePayload(request, PARAMS, (handler.extras as XtcpExtras | undefined)?.payload ?? this.payload),
      }));
    } catch (error) {
      answer(error as XtcpError);
      return () => {};
    }
    return this.run(jobs, route, new XtcpContext([peer.socket, pattern, peer.remoteAddress]), answer);
  }

  private run(jobs: readonly Job[], route: Route, context: XtcpContext, answer: Answer): Cancel {
    let state: 'ready' | 'running' | 'ended' = 'ready';
    let started = false;
    let unfinished = jobs.length;
    let cancels: Cancel[] = [];
    const end = (): void => {
      if (state === 'ended') return;
      state = 'ended';
      this.ended();
    };
    const start = (endHook: () => void): void => {
      if (started) return;
      started = true;
      if (state === 'ended') {
        // The caller left while the start hook waited: no handler runs, but what the hook began has an end.
        this.guarded(endHook);
        return;
      }
      state = 'running';
      cancels = jobs.map(({ handler, data }) =>
        runHandler(handler, data, context, (outcome) => {
          if (handler === route.call) this.answerCall(outcome, answer);
          else if (outcome.kind === 'unfiltered') this.logger.error(outcome.error);
          if (--unfinished > 0) return;
          // Without a handler of calls nothing has been answered yet; with one, this comes second and is ignored.
          answer('');
          this.guarded(endHook);
          end();
        }),
      );
    };
    this.running++;
    const hookFailed = (error: unknown): void => {
      this.logger.error(error);
      if (state !== 'ready') return;
      answer(new XtcpError('INTERNAL', 'Internal server error'));
      end();
    };
    try {
      // A start hook may be async, and may drop or await what it is given, so that must not reject.
      const hook = this.withHooks(context, async (endHook) => {
        start(endHook);
      });
      Promise.resolve(hook).catch(hookFailed);
    } catch (error) {
      hookFailed(error);
    }
    return () => {
      if (state === 'ready') end();
      for (const cancel of cancels) cancel();
    };
  }

  private answerCall(outcome: Outcome, answer: Answer): void {
    const { result, toLog } = answerOf(outcome);
    if (toLog !== undefined) this.logger.error(toLog);
    answer(result);
  }

  private guarded(endHook: () => void): void {
    try {
      endHook();
    } catch (error) {
      this.logger.error(error);
    }
  }

  private ended(): void {
    this.running--;
    if (this.running === 0) for (const resolve of this.onIdle.splice(0)) resolve();
  }
}

/**
 * A classic request does not say whether it is a call or an event, so it is both: its pattern's call answers it, and
 * its pattern's events are told of it.
 */
function handlersOf(route: Route): readonly MessageHandler[] {
  return route.call === undefined ? route.events : [route.call, ...route.events];
}
