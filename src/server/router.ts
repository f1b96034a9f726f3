import type { MessageHandler } from '@nestjs/microservices';

import { XtcpError, quoteForMessage } from '../errors/xtcp-error.js';
import { PAYLOAD_KINDS, type PayloadKind } from '../options/payload-kind.js';

/** What `@MessagePattern(pattern, extras)` and `@EventPattern(pattern, extras)` may say to this transport. */
export interface XtcpExtras {
  /** How this handler gets the params of a classic request; the server's option `payload` where it says nothing. */
  payload?: PayloadKind;
  /** What this handler is for, in a line; told to whoever asks the server for its patterns. */
  description?: string;
  [extra: string]: unknown;
}

/** What the patterns begin with that this transport answers by itself. */
const RESERVED = 'xtcp.';

/** Who answers to one pattern: at most one handler of calls, and any number of handlers of events. */
export interface Route {
  /** In Nest's normal form, as its handlers declare it. */
  readonly pattern: string;
  call: MessageHandler | undefined;
  readonly events: MessageHandler[];
  /** Whether it is answered where `maxServerCalls` calls run already, too. */
  answeredAtLimit: boolean;
}

/**
 * The handlers by pattern. Unlike Nest's own map, a call and events of one pattern have places of their own. A plain
 * pattern is looked up as it is, and not parsed as JSON first, as Nest's `getHandlerByPattern` does. Measured: 2.6 to 3
 * times the calls.
 */
export class Router {
  private readonly routes = new Map<string, Route>();

  /** @param normalize brings a pattern that is an object into the form under which Nest knows it */
  constructor(private readonly normalize: (pattern: object) => string) {}

  /**
   * @param pattern in Nest's normal form
   * @throws {XtcpError} INVALID_ARGUMENT where the pattern is reserved, or the handler's extras have a payload that there
   * is not, or a description that is no text.
   */
  add(pattern: string, handler: MessageHandler): void {
    if (pattern.startsWith(RESERVED)) {
      throw new XtcpError(
        'INVALID_ARGUMENT',
        `the pattern ${quoteForMessage(pattern)} is reserved: those that begin with "${RESERVED}" are the transport's own`,
      );
    }
    const { payload, description } = (handler.extras ?? {}) as XtcpExtras;
    if (payload !== undefined && !PAYLOAD_KINDS.includes(payload)) {
      throw new XtcpError(
        'INVALID_ARGUMENT',
        `the handler of ${quoteForMessage(pattern)} has an unknown payload in its extras; ` +
          `there are ${PAYLOAD_KINDS.join(', ')}`,
      );
    }
    if (description !== undefined && typeof description !== 'string') {
      throw new XtcpError(
        'INVALID_ARGUMENT',
        `the handler of ${quoteForMessage(pattern)} has a description in its extras that is no text`,
      );
    }
    this.put(pattern, handler);
  }

  /**
   * Answers a pattern that begins with {@link RESERVED}, as a handler of calls would, but outside of the application.
   * @param answer gets the data, text where the request is classic; what it throws is for the log, unless it is an
   * XtcpException
   * @param answeredAtLimit whether `maxServerCalls` does not hold for it; for answers that cost next to nothing
   */
  reserve(pattern: string, answer: (data: unknown) => unknown, answeredAtLimit = false): void {
    const handler: MessageHandler = async (data: unknown) => answer(data);
    const route = this.put(pattern, Object.assign(handler, { extras: { payload: 'text' } satisfies XtcpExtras }));
    route.answeredAtLimit = answeredAtLimit;
  }

  private put(pattern: string, handler: MessageHandler): Route {
    let route = this.routes.get(pattern);
    if (route === undefined) {
      route = { pattern, call: undefined, events: [], answeredAtLimit: false };
      this.routes.set(pattern, route);
    }
    if (handler.isEventHandler === true) route.events.push(handler);
    else route.call = handler;
    return route;
  }

  /** The route for a pattern as it came over the wire, where one that begins with `{` is JSON. */
  find(pattern: string): Route | undefined {
    const route = this.routes.get(pattern);
    if (route !== undefined || !pattern.startsWith('{')) return route;
    try {
      return this.routes.get(this.normalize(JSON.parse(pattern) as object));
    } catch {
      return undefined;
    }
  }

  /** The routes that the application's handlers make; not those that are reserved. */
  *ofApplication(): Generator<Route> {
    for (const route of this.routes.values()) if (!route.pattern.startsWith(RESERVED)) yield route;
  }
}
