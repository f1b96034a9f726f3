import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import { diag, type Attributes, type MeterProvider, type Span, type TracerProvider } from '@opentelemetry/api';

import { BoundedPatterns } from '../observe/bounded-patterns.js';
import { CHANNELS } from '../observe/channels.js';
import type { ObservedClientCall } from '../observe/client-call.js';
import type { ClientConnectionEvent } from '../observe/connections.js';
import type { ObservedCall } from '../observe/observed-call.js';
import type { ObservedServerCall, RefusedServerCall } from '../observe/server-call.js';
import { ATTRIBUTE, OTHER, serverAttributes, SYSTEM } from './attributes.js';
import { CallMetrics } from './metrics.js';
import { CallSpans } from './spans.js';

/** Options of {@link XtcpInstrumentation}. */
export interface XtcpInstrumentationConfig {
  /** Whether it is enabled when it is made. Default true, as with OpenTelemetry's own. */
  enabled?: boolean;
  /**
   * Patterns whose calls have no spans, on either side: equal to the text, or matched by the expression. The trace
   * around them goes on, and metrics count them. Default: the transport's own, which begin with `xtcp.`.
   */
  ignorePatterns?: readonly (string | RegExp)[];
  /** Called when a span has started, to add to it. */
  requestHook?: (span: Span, call: ObservedClientCall | ObservedServerCall) => void;
  /** Called before a span ends, to add to it. */
  responseHook?: (span: Span, call: ObservedClientCall | ObservedServerCall) => void;
}

interface Watched {
  readonly side: 'client' | 'server';
  /** Of its metrics. */
  readonly attributes: Attributes;
  readonly span: Span | undefined;
}

/** Not "xtcp.": the package, as OpenTelemetry names scopes. */
const NAME = 'nestjs-xtcp';
/** That of package.json. */
const VERSION = '0.1.0';

const IGNORED: readonly RegExp[] = [/^xtcp\./];

/**
 * Spans and metrics for the calls of all servers and clients of this process, and the trace that goes from one to the
 * other in the metadata of sessions:
 *
 *     registerInstrumentations({ instrumentations: [new XtcpInstrumentation()] })
 *
 * Needs no hook into the loading of modules, so that it may be made before or after `nestjs-xtcp` is imported.
 */
export class XtcpInstrumentation {
  readonly instrumentationName = NAME;
  readonly instrumentationVersion = VERSION;
  private readonly spans = new CallSpans(NAME, VERSION);
  private readonly metrics = new CallMetrics(NAME, VERSION);
  private readonly methods = new BoundedPatterns(OTHER);
  private readonly servers = new Map<string, Attributes>();
  /** The calls that are under way. */
  private readonly watched = new Map<ObservedCall, Watched>();
  private config: XtcpInstrumentationConfig = {};
  private isEnabled = false;

  constructor(config: XtcpInstrumentationConfig = {}) {
    this.setConfig(config);
    if (this.config.enabled === true) this.enable();
  }

  /** Begins to watch the calls that start from here on. */
  enable(): void {
    if (this.isEnabled) return;
    this.isEnabled = true;
    for (const [name, listener] of this.listeners) subscribe(name, listener);
  }

  /** Stops, and ends the spans of what is under way. */
  disable(): void {
    if (!this.isEnabled) return;
    this.isEnabled = false;
    for (const [name, listener] of this.listeners) unsubscribe(name, listener);
    for (const { side, attributes, span } of this.watched.values()) {
      this.metrics.callLeft(side, attributes);
      span?.end();
    }
    this.watched.clear();
    this.metrics.settle();
  }

  /** Without it, the provider that is registered with the API. */
  setTracerProvider(provider: TracerProvider): void {
    this.spans.setProvider(provider);
  }

  /** As {@link setTracerProvider}. */
  setMeterProvider(provider: MeterProvider): void {
    this.metrics.setProvider(provider);
  }

  /** Holds for the calls that start from here on; `enabled` alone does nothing here. */
  setConfig(config: XtcpInstrumentationConfig): void {
    this.config = { enabled: true, ...config };
  }

  getConfig(): XtcpInstrumentationConfig {
    return this.config;
  }

  private startClient(call: ObservedClientCall): void {
    const attributes = { ...this.attributesOf(this.methods.of(call.pattern)), ...this.serverOf(call.endpoint) };
    const span = this.spans.startClient(call, attributes, this.isIgnored(call.pattern));
    this.started(call, { side: 'client', attributes, span });
  }

  private retryClient(call: ObservedClientCall): void {
    const watched = this.watched.get(call);
    if (watched === undefined) return;
    this.metrics.callRetried(watched.attributes, call);
    if (watched.span !== undefined) this.spans.retry(watched.span, call);
  }

  private endClient(call: ObservedClientCall): void {
    const span = this.ended(call);
    if (span !== undefined) this.spans.endClient(span, call);
  }

  private startServer(call: ObservedServerCall): void {
    const attributes = this.attributesOf(call.pattern);
    const span = this.spans.startServer(call, attributes, this.isIgnored(call.pattern));
    this.started(call, { side: 'server', attributes, span });
  }

  private endServer(call: ObservedServerCall): void {
    const span = this.ended(call);
    if (span !== undefined) this.spans.endServer(span, call);
  }

  private started(call: ObservedClientCall | ObservedServerCall, watched: Watched): void {
    this.watched.set(call, watched);
    this.metrics.callStarted(watched.side, watched.attributes);
    if (watched.span !== undefined) callHook(this.config.requestHook, watched.span, call);
  }

  /** @returns its span; undefined, too, where it began before anybody watched */
  private ended(call: ObservedClientCall | ObservedServerCall): Span | undefined {
    const watched = this.watched.get(call);
    if (watched === undefined) return undefined;
    this.watched.delete(call);
    this.metrics.callEnded(watched.side, watched.attributes, call);
    if (watched.span !== undefined) callHook(this.config.responseHook, watched.span, call);
    return watched.span;
  }

  private attributesOf(method: string): Attributes {
    return { [ATTRIBUTE.system]: SYSTEM, [ATTRIBUTE.method]: method };
  }

  private serverOf(endpoint: string): Attributes {
    let server = this.servers.get(endpoint);
    if (server === undefined) {
      server = serverAttributes(endpoint);
      this.servers.set(endpoint, server);
    }
    return server;
  }

  private isIgnored(pattern: string): boolean {
    const { ignorePatterns = IGNORED } = this.config;
    // Not `test`, which keeps its place in an expression that is global.
    return ignorePatterns.some((ignored) =>
      typeof ignored === 'string' ? ignored === pattern : pattern.search(ignored) !== -1,
    );
  }

  private readonly listeners: readonly (readonly [name: string | symbol, listener: (message: unknown) => void])[] = [
    this.on(CHANNELS.clientCallStart, (call: ObservedClientCall) => {
      this.startClient(call);
    }),
    this.on(CHANNELS.clientCallRetry, (call: ObservedClientCall) => {
      this.retryClient(call);
    }),
    this.on(CHANNELS.clientCallEnd, (call: ObservedClientCall) => {
      this.endClient(call);
    }),
    this.on(CHANNELS.serverCallStart, (call: ObservedServerCall) => {
      this.startServer(call);
    }),
    this.on(CHANNELS.serverCallEnd, (call: ObservedServerCall) => {
      this.endServer(call);
    }),
    this.on(CHANNELS.serverCallRefuse, (refused: RefusedServerCall) => {
      this.metrics.callRefused(refused);
    }),
    this.on(CHANNELS.clientConnectionOpen, (event: ClientConnectionEvent) => {
      this.metrics.clientConnectionOpened(event);
    }),
    this.on(CHANNELS.clientConnectionClose, (event: ClientConnectionEvent) => {
      this.metrics.clientConnectionClosed(event);
    }),
    this.on(CHANNELS.serverConnectionOpen, () => {
      this.metrics.serverConnectionOpened();
    }),
    this.on(CHANNELS.serverConnectionClose, () => {
      this.metrics.serverConnectionClosed();
    }),
  ];

  private on<T>(
    { name }: { readonly name: string | symbol },
    listener: (message: T) => void,
  ): readonly [string | symbol, (message: unknown) => void] {
    return [
      name,
      (message) => {
        listener(message as T);
      },
    ];
  }
}

/** What an application's hook throws harms no call. */
function callHook(
  hook: XtcpInstrumentationConfig['requestHook'],
  span: Span,
  call: ObservedClientCall | ObservedServerCall,
): void {
  try {
    hook?.(span, call);
  } catch (error) {
    diag.error(`${NAME}: a hook threw an error`, error);
  }
}
