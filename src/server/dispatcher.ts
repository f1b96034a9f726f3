import type { LoggerService } from '@nestjs/common';
import type { MessageHandler } from '@nestjs/microservices';

import { runWithin } from '../async/current-call.js';
import { InOrder } from '../async/in-order.js';
import { inThePlain, type Scope } from '../observe/scope.js';
import { decodePayload } from '../classic/payload.js';
import { METHOD, PARAMS, type Answer } from '../classic/responder.js';
import type { Cancel, Clock } from '../clock/clock.js';
import { XtcpError } from '../errors/xtcp-error.js';
import {
  areServerCallsObserved,
  observeServerCall,
  tellRefused,
  type ObservedServerCall,
} from '../observe/server-call.js';
import type { PayloadKind } from '../options/payload-kind.js';
import type { ServedCall } from '../session/served-call.js';
import { byteLength } from '../wire/encoder.js';
import type { Frame } from '../wire/frame.js';
import type { ReceivedMetadata } from '../wire/metadata.js';
import { HandlerRun, type ResultSink } from './handler-run.js';
import { deserialize, SerializingSink, type Packets } from './packets.js';
import { ClassicReply, EventSink, SessionReply } from './replies.js';
import type { Route, Router, XtcpExtras } from './router.js';
import { ClassicWork, SessionWork, type ProcessingHooks, type Workplace } from './work.js';
import { XtcpContext, type Peer } from './xtcp-context.js';

/** Nest's own words (NO_MESSAGE_HANDLER). */
const NO_HANDLER = 'There is no matching message handler defined in the remote service.';

const NO_OTHERS: readonly HandlerRun[] = [];

/** Who is calling, as its connection knows it. */
export interface ConnectedPeer extends Peer {
  readonly remotePort: number | undefined;
  identity: unknown;
  /** For packets that are taken apart one behind the other. */
  order: InOrder | undefined;
}

/** Takes a call to its handlers, and what they give to its answer, for both protocols. */
export class Dispatcher implements Workplace {
  private running = 0;
  private readonly onIdle: (() => void)[] = [];

  constructor(
    private readonly router: Router,
    private readonly payload: PayloadKind,
    /** Calls that run at once; more are turned away. */
    private readonly maxCalls: number,
    /** Bytes of the method of a classic request. */
    private readonly maxPatternBytes: number,
    readonly hooks: ProcessingHooks,
    private readonly clock: Clock,
    /** Whether calls that handlers make take over deadline and metadata. */
    private readonly inherits: boolean,
    private readonly packets: Packets,
    readonly logger: LoggerService,
  ) {}

  began(): void {
    this.running++;
  }

  ended(): void {
    this.running--;
    if (this.running === 0) for (const resolve of this.onIdle.splice(0)) resolve();
  }

  /** Resolves when no handler runs; those whose caller is gone count too. */
  async idle(): Promise<void> {
    if (this.running > 0) await new Promise<void>((resolve) => this.onIdle.push(resolve));
  }

  /**
   * Serves a classic request. It does not say whether it is a call or an event, so it is both: its pattern's call
   * answers it, and its pattern's events are told of it.
   * @returns what to call when nobody waits for the answer any more
   */
  serveRequest(peer: ConnectedPeer, request: Frame, answer: Answer): Cancel {
    let route: Route;
    let context: XtcpContext;
    let first: HandlerRun;
    let others: HandlerRun[];
    let observed: ObservedServerCall | undefined;
    let tell = answer;
    const sinks: EventSink[] = [];
    try {
      if (request.length(METHOD) > this.maxPatternBytes) {
        throw new XtcpError('RESOURCE_EXHAUSTED', `the method is over ${this.maxPatternBytes} bytes (maxPatternBytes)`);
      }
      const pattern = request.text(METHOD);
      route = this.route(pattern);
      this.checkRoom(route);
      context = new XtcpContext(peer, pattern);
      const params = request.length(PARAMS);
      observed = this.observe(route.call === undefined ? 'event' : 'call', route, peer, 'classic', undefined, params);
      if (observed !== undefined) tell = watchedAnswer(answer, observed);
      const scope = this.scopeOf(context, observed);
      const runOf = (handler: MessageHandler): HandlerRun => {
        const kind = (handler.extras as XtcpExtras | undefined)?.payload ?? this.payload;
        const data = decodePayload(request, PARAMS, kind);
        if (handler === route.call) {
          return new HandlerRun(handler, data, context, new ClassicReply(tell, this.logger), this.clock, scope);
        }
        const sink = new EventSink(this.logger);
        sinks.push(sink);
        return new HandlerRun(handler, data, context, sink, this.clock, scope);
      };
      const [firstEvent, ...moreEvents] = route.events;
      first = runOf((route.call ?? firstEvent)!);
      others = (route.call === undefined ? moreEvents : route.events).map(runOf);
    } catch (error) {
      if (observed === undefined) tellRefused(error as XtcpError, 'classic', peer);
      tell(error as XtcpError);
      observed?.left();
      return () => {};
    }
    const work = new ClassicWork(
      this,
      context,
      first,
      others,
      route.call === undefined ? sinks : undefined,
      tell,
      observed,
    );
    work.begin();
    return () => {
      const reason = new XtcpError('CANCELLED', 'the caller is gone');
      observed?.ended(reason);
      context.abort(reason);
      work.cancel();
    };
  }

  /** Serves a call or an event of a session. */
  serveCall(peer: ConnectedPeer, call: ServedCall): void {
    const { id, kind, pattern } = call.opened;
    const data = call.input ?? call.opened.data;
    if (this.packets.deserializer === undefined) {
      this.startCall(peer, call, pattern, data);
      return;
    }
    const { metadata } = call.opened;
    const packet = { pattern, data, ...(metadata && { metadata }), ...(kind === 'call' && { id: String(id) }) };
    peer.order ??= new InOrder();
    peer.order.run(
      () => deserialize(this.packets, packet),
      (read) => {
        this.startCall(peer, call, asText(read.pattern), read.data);
      },
      (error) => {
        this.logger.error(error);
        const refusal = new XtcpError('INTERNAL', 'Internal server error');
        tellRefused(refusal, 'session', peer);
        call.fail(refusal);
        call.leave();
      },
    );
  }

  private startCall(peer: ConnectedPeer, call: ServedCall, pattern: string, data: unknown): void {
    const { id, kind, receivedMetadata, deadline } = call.opened;
    if (kind === 'call' && !call.isLive) {
      // Nobody waits any more, and nothing has begun.
      call.leave();
      return;
    }
    let route: Route;
    try {
      route = this.route(pattern);
      this.checkRoom(route);
    } catch (error) {
      tellRefused(error as XtcpError, 'session', peer);
      call.fail(error as XtcpError);
      call.leave();
      return;
    }
    const context = new XtcpContext(peer, pattern, receivedMetadata, this.clock, deadline);
    const observed = this.observe(kind, route, peer, 'session', receivedMetadata, call.opened.bytes);
    const scope = this.scopeOf(context, observed);
    if (kind === 'call' && route.call !== undefined) {
      const sink = this.serializing(new SessionReply(call, context, this.logger), id);
      const run = new HandlerRun(route.call, data, context, sink, this.clock, scope);
      new SessionWork(this, context, run, NO_OTHERS, call, undefined, observed).begin();
      return;
    }
    const sinks: EventSink[] = [];
    const [first, ...others] = handlersOfEvent(route).map((handler) => {
      const sink = new EventSink(this.logger);
      sinks.push(sink);
      return new HandlerRun(handler, data, context, sink, this.clock, scope);
    });
    new SessionWork(this, context, first!, others, call, sinks, observed).begin();
  }

  /** What watches a call, from here on; undefined where nobody does. */
  private observe(
    kind: 'call' | 'event',
    { pattern }: Route,
    { remoteAddress, remotePort }: ConnectedPeer,
    protocol: 'session' | 'classic',
    received: ReceivedMetadata | undefined,
    bytes: number,
  ): ObservedServerCall | undefined {
    if (!areServerCallsObserved()) return undefined;
    const start = { kind, pattern, protocol, metadata: received?.value, remoteAddress, remotePort };
    const observed = observeServerCall(start, this.clock);
    observed.received(bytes);
    return observed;
  }

  private scopeOf(context: XtcpContext, observed: ObservedServerCall | undefined): Scope {
    const scope = this.inherits ? withinCall(context) : inThePlain;
    return observed === undefined ? scope : observed.scopeAround(scope);
  }

  private serializing(sink: ResultSink, id: number): ResultSink {
    const { serializer } = this.packets;
    return serializer === undefined ? sink : new SerializingSink(sink, serializer, String(id));
  }

  /** @throws {XtcpError} RESOURCE_EXHAUSTED where as many calls run as may */
  private checkRoom(route: Route): void {
    if (this.running < this.maxCalls || route.answeredAtLimit) return;
    const message = `the server runs ${this.maxCalls} calls already (maxServerCalls)`;
    throw new XtcpError('RESOURCE_EXHAUSTED', message, { executed: false });
  }

  private route(pattern: string): Route {
    const route = this.router.find(pattern);
    if (route === undefined) throw new XtcpError('UNIMPLEMENTED', NO_HANDLER, { executed: false });
    return route;
  }
}

function withinCall(context: XtcpContext): Scope {
  return (run) => runWithin(context, run);
}

/** As with Nest's own transports, what only answers calls takes events too. */
function handlersOfEvent(route: Route): readonly MessageHandler[] {
  return route.events.length === 0 && route.call !== undefined ? [route.call] : route.events;
}

/** Tells what watches a classic call of its answer; the first counts. */
function watchedAnswer(answer: Answer, observed: ObservedServerCall): Answer {
  return (result) => {
    if (observed.outcome === undefined && !(result instanceof XtcpError)) observed.sent(byteLength(result));
    observed.ended(result instanceof XtcpError ? result : undefined);
    answer(result);
  };
}

/** A pattern as it would be on the wire; a deserializer may leave an object. */
function asText(pattern: unknown): string {
  return typeof pattern === 'string' ? pattern : JSON.stringify(pattern ?? null);
}
