import {
  context,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type TracerProvider,
} from '@opentelemetry/api';

import type { ObservedClientCall } from '../observe/client-call.js';
import type { ObservedCall } from '../observe/observed-call.js';
import type { ObservedServerCall } from '../observe/server-call.js';
import { ATTRIBUTE, isFailure, OTHER, outcomeAttributes, SYSTEM } from './attributes.js';
import { extract, inject } from './propagation.js';

/** The spans of both sides, and the context that they carry from one to the other. */
export class CallSpans {
  private provider: TracerProvider | undefined;

  constructor(
    private readonly name: string,
    private readonly version: string,
  ) {}

  setProvider(provider: TracerProvider): void {
    this.provider = provider;
  }

  /** @returns undefined where the call is to have no span; the trace that it is part of goes on in any case */
  startClient(call: ObservedClientCall, attributes: Attributes, isIgnored: boolean): Span | undefined {
    const parent = context.active();
    // What comes of the call arrives in the context of its connection.
    call.runWithin((run) => context.with(parent, run));
    const span = isIgnored ? undefined : this.start(call, SpanKind.CLIENT, attributes, parent);
    inject(span === undefined ? parent : trace.setSpan(parent, span), call);
    return span;
  }

  retry(span: Span, call: ObservedClientCall): void {
    span.addEvent('xtcp.retry', { [ATTRIBUTE.attempts]: call.attempts, [ATTRIBUTE.errorType]: call.error?.code });
  }

  endClient(span: Span, call: ObservedClientCall): void {
    if (call.attempts > 1) span.setAttribute(ATTRIBUTE.attempts, call.attempts);
    end(span, call, 'client');
  }

  /** As {@link startClient}. */
  startServer(call: ObservedServerCall, attributes: Attributes, isIgnored: boolean): Span | undefined {
    const parent = extract(call);
    const span = isIgnored ? undefined : this.start(call, SpanKind.SERVER, withPeer(attributes, call), parent);
    const within = span === undefined ? parent : trace.setSpan(parent, span);
    call.runWithin((run) => context.with(within, run));
    return span;
  }

  endServer(span: Span, call: ObservedServerCall): void {
    end(span, call, 'server');
  }

  /** Events are one-way RPC to one server, and no messages of a broker: CLIENT and SERVER, as the conventions demand. */
  private start(
    call: ObservedClientCall | ObservedServerCall,
    kind: SpanKind,
    attributes: Attributes,
    parent: Context,
  ): Span {
    const method = attributes[ATTRIBUTE.method] as string;
    const isOther = method === OTHER;
    const all: Attributes = {
      ...attributes,
      [ATTRIBUTE.kind]: call.kind,
      ...(isOther && { [ATTRIBUTE.originalMethod]: call.pattern }),
    };
    // Asked for each time: that of the API passes on to whatever provider is set by then.
    const tracer = (this.provider ?? trace).getTracer(this.name, this.version);
    return tracer.startSpan(isOther ? SYSTEM : method, { kind, attributes: all }, parent);
  }
}

function withPeer(attributes: Attributes, { protocol, remoteAddress, remotePort }: ObservedServerCall): Attributes {
  return {
    ...attributes,
    [ATTRIBUTE.protocol]: protocol,
    ...(remoteAddress !== undefined && { [ATTRIBUTE.peerAddress]: remoteAddress }),
    ...(remotePort !== undefined && { [ATTRIBUTE.peerPort]: remotePort }),
  };
}

function end(span: Span, call: ObservedCall, side: 'client' | 'server'): void {
  span.setAttributes(outcomeAttributes(call, side));
  if (isFailure(call, side)) {
    const message = call.error?.message;
    span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== undefined && { message }) });
  }
  span.end();
}
