import type { Socket } from 'node:net';

import type { LoggerService } from '@nestjs/common';
import type { MessageHandler } from '@nestjs/microservices';

import type { InOrder } from '../async/in-order.js';
import { decodePayload } from '../classic/payload.js';
import { METHOD, PARAMS, type Answer } from '../classic/responder.js';
import type { Cancel, Clock } from '../clock/clock.js';
import { XtcpError } from '../errors/xtcp-error.js';
import type { PayloadKind } from '../options/payload-kind.js';
import type { ServedCall } from '../session/served-call.js';
import type { Frame } from '../wire/frame.js';
import { deserialize, SerializingSink, type Packets } from './packets.js';
import { ClassicReply, EventSink, SessionReply } from './replies.js';
import type { Route, Router, XtcpExtras } from './router.js';
import { runHandler, type ResultSink, type Scope } from './run-handler.js';
import { XtcpContext } from './xtcp-context.js';

/** Nest's own words (NO_MESSAGE_HANDLER). */
const NO_HANDLER = 'There is no matching message handler defined in the remote service.';

/** Who is calling. */
export interface Peer {
  readonly socket: Socket;
  /** Kept apart, since a closed socket no longer knows it. */
  readonly remoteAddress: string | undefined;
  /** What `authenticate` returned. */
  identity: unknown;
}

/** Nest's `Server.runWithProcessingHooks`: `run` is called by the start hook, `end` calls the end hook. */
export type WithHooks = (context: XtcpContext, run: (end: () => void) => Promise<void>) => unknown;

/** A handler with what it gets, and where what it gives goes. */
interface Job {
  readonly handler: MessageHandler;
  readonly data: unknown;
  readonly sink: ResultSink;
}

/** The handlers that one call or event goes to, which together are one unit of work for hooks and limits. */
interface Work {
  readonly jobs: readonly Job[];
  readonly context: XtcpContext;
  /** All handlers have been called. */
  onStarted?(): void;
  /** Nothing of it runs any more. */
  onEnded(): void;
  /** A hook failed, so that no handler was called. */
  onRefused(error: XtcpError): void;
}

/** Takes a call to its handlers, and what they give to its answer, for both protocols. */
export class Dispatcher {
  private running = 0;
  private readonly onIdle: (() => void)[] = [];

  constructor(
    private readonly router: Router,
    private readonly payload: PayloadKind,
    /** Calls that run at once; more are turned away. */
    private readonly maxCalls: number,
    private readonly withHooks: WithHooks,
    private readonly scopeOf: (context: XtcpContext) => Scope,
    private readonly packets: Packets,
    private readonly clock: Clock,
    private readonly logger: LoggerService,
  ) {}

  /** Resolves when no handler runs; those whose caller is gone count too. */
  async idle(): Promise<void> {
    if (this.running > 0) await new Promise<void>((resolve) => this.onIdle.push(resolve));
  }

  /**
   * Serves a classic request. It does not say whether it is a call or an event, so it is both: its pattern's call
   * answers it, and its pattern's events are told of it.
   * @returns what to call when nobody waits for the answer any more
   */
  serveRequest(peer: Peer, request: Frame, answer: Answer): Cancel {
    let pattern: string;
    let route: Route;
    let jobs: Job[];
    try {
      this.checkRoom();
      pattern = request.text(METHOD);
      route = this.route(pattern);
      jobs = [...(route.call === undefined ? [] : [route.call]), ...route.events].map((handler) => ({
        handler,
        data: decodePayload(request, PARAMS, (handler.extras as XtcpExtras | undefined)?.payload ?? this.payload),
        sink: handler === route.call ? new ClassicReply(answer, this.logger) : new EventSink(this.logger),
      }));
    } catch (error) {
      answer(error as XtcpError);
      return () => {};
    }
    const context = new XtcpContext([peer.socket, pattern, peer.remoteAddress]);
    const cancel = this.run({
      jobs,
      context,
      onEnded: () => {
        // Where no handler of calls has answered, this does.
        if (route.call === undefined) answer('');
      },
      onRefused: answer,
    });
    return () => {
      context.abort(new XtcpError('CANCELLED', 'the caller is gone'));
      cancel();
    };
  }

  /** Serves a call or an event of a session. */
  serveCall(peer: Peer, call: ServedCall, order: InOrder): void {
    const { id, kind, pattern, metadata } = call.opened;
    const data = call.input ?? call.opened.data;
    if (this.packets.deserializer === undefined) {
      this.startCall(peer, call, pattern, data);
      return;
    }
    const packet = { pattern, data, ...(metadata && { metadata }), ...(kind === 'call' && { id: String(id) }) };
    order.run(
      () => deserialize(this.packets, packet),
      (read) => {
        this.startCall(peer, call, asText(read.pattern), read.data);
      },
      (error) => {
        this.logger.error(error);
        call.fail(new XtcpError('INTERNAL', 'Internal server error'));
        call.leave();
      },
    );
  }

  private startCall(peer: Peer, call: ServedCall, pattern: string, data: unknown): void {
    const { id, kind, metadata, timeoutMs } = call.opened;
    if (kind === 'call' && !call.isLive) {
      // Nobody waits any more, and nothing has begun.
      call.leave();
      return;
    }
    let route: Route;
    try {
      this.checkRoom();
      route = this.route(pattern);
    } catch (error) {
      call.fail(error as XtcpError);
      call.leave();
      return;
    }
    const deadline = timeoutMs === undefined ? undefined : this.clock.now() + timeoutMs;
    const context = new XtcpContext(
      [peer.socket, pattern, peer.remoteAddress, metadata, peer.identity],
      this.clock,
      deadline,
    );
    const isAnswered = kind === 'call' && route.call !== undefined;
    const sinks: EventSink[] = [];
    const jobs = (isAnswered ? [route.call!] : handlersOfEvent(route)).map((handler): Job => {
      if (isAnswered)
        return { handler, data, sink: this.serializing(new SessionReply(call, context, this.logger), id) };
      const sink = new EventSink(this.logger);
      sinks.push(sink);
      return { handler, data, sink };
    });
    const cancel = this.run({
      jobs,
      context,
      onStarted: () => {
        call.received();
      },
      onEnded: () => {
        const failed = sinks.find(({ error }) => error !== undefined)?.error;
        if (failed !== undefined && kind === 'event') call.fail(failed);
        else if (!isAnswered) call.complete();
        call.leave();
      },
      onRefused: (error) => {
        call.fail(error);
        call.leave();
      },
    });
    call.onCancel = (reason) => {
      context.abort(reason);
      cancel();
    };
  }

  private serializing(sink: ResultSink, id: number): ResultSink {
    const { serializer } = this.packets;
    return serializer === undefined ? sink : new SerializingSink(sink, serializer, String(id));
  }

  /** @throws {XtcpError} RESOURCE_EXHAUSTED where as many calls run as may */
  private checkRoom(): void {
    if (this.running < this.maxCalls) return;
    const message = `the server runs ${this.maxCalls} calls already (maxServerCalls)`;
    throw new XtcpError('RESOURCE_EXHAUSTED', message, { executed: false });
  }

  private route(pattern: string): Route {
    const route = this.router.find(pattern);
    if (route === undefined) throw new XtcpError('UNIMPLEMENTED', NO_HANDLER, { executed: false });
    return route;
  }

  private run(work: Work): Cancel {
    let state: 'ready' | 'running' | 'ended' = 'ready';
    let started = false;
    let unfinished = work.jobs.length;
    let cancels: Cancel[] = [];
    const end = (): void => {
      state = 'ended';
      work.onEnded();
      this.running--;
      if (this.running === 0) for (const resolve of this.onIdle.splice(0)) resolve();
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
      const scope = this.scopeOf(work.context);
      cancels = work.jobs.map(({ handler, data, sink }) =>
        runHandler(handler, data, work.context, sink, scope, this.clock, () => {
          if (--unfinished > 0) return;
          end();
          this.guarded(endHook);
        }),
      );
      work.onStarted?.();
    };
    this.running++;
    const hookFailed = (error: unknown): void => {
      this.logger.error(error);
      if (state !== 'ready') return;
      work.onRefused(new XtcpError('INTERNAL', 'Internal server error'));
      end();
    };
    try {
      // A start hook may be async, and may drop or await what it is given, so that must not reject.
      const hook = this.withHooks(work.context, async (endHook) => {
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

  private guarded(endHook: () => void): void {
    try {
      endHook();
    } catch (error) {
      this.logger.error(error);
    }
  }
}

/** As with Nest's own transports, what only answers calls takes events too. */
function handlersOfEvent(route: Route): readonly MessageHandler[] {
  return route.events.length === 0 && route.call !== undefined ? [route.call] : route.events;
}

/** A pattern as it would be on the wire; a deserializer may leave an object. */
function asText(pattern: unknown): string {
  return typeof pattern === 'string' ? pattern : JSON.stringify(pattern ?? null);
}
