import type { Clock } from '../clock/clock.js';
import type { XtcpError, XtcpErrorCode } from '../errors/xtcp-error.js';
import { CHANNELS } from './channels.js';
import { ObservedCall } from './observed-call.js';

/** What is known of a call before it starts. */
export interface ServerCallStart {
  readonly kind: 'call' | 'event';
  /** The pattern of the handler; never one that only came over the network. */
  readonly pattern: string;
  readonly protocol: 'session' | 'classic';
  readonly metadata: Readonly<Record<string, string>> | undefined;
  /** The caller's IP address; undefined on a Unix domain socket. */
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
}

/**
 * A call or event that a server's handlers run for: what `xtcp:server:call:start` and `:end` carry, the same object in
 * both. The end is told when nothing of it runs any more; its `durationMs` are those until its caller had the end, or,
 * of an event, until all handlers had ended.
 */
export class ObservedServerCall extends ObservedCall implements ServerCallStart {
  readonly pattern: string;
  readonly protocol: 'session' | 'classic';
  readonly metadata: Readonly<Record<string, string>> | undefined;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;

  constructor(start: ServerCallStart, clock: Clock) {
    super(start.kind, clock);
    this.pattern = start.pattern;
    this.protocol = start.protocol;
    this.metadata = start.metadata;
    this.remoteAddress = start.remoteAddress;
    this.remotePort = start.remotePort;
  }

  /** For the transport: nothing of it runs any more. @internal */
  left(): void {
    this.ended(undefined);
    CHANNELS.serverCallEnd.publish(this);
  }
}

/** What `xtcp:server:call:refuse` carries: a call that no handler ran for. */
export interface RefusedServerCall {
  /** UNIMPLEMENTED where there is no handler, RESOURCE_EXHAUSTED over `maxCalls` or `maxServerCalls`, and the like. */
  readonly code: XtcpErrorCode;
  readonly protocol: 'session' | 'classic';
  /** The caller's IP address; undefined on a Unix domain socket. */
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
}

/** What watches a call whose handlers are about to run, and is told of its start here. */
export function observeServerCall(start: ServerCallStart, clock: Clock): ObservedServerCall {
  const observed = new ObservedServerCall(start, clock);
  CHANNELS.serverCallStart.publish(observed);
  return observed;
}

/** Whether anybody listens to the calls that servers run; where nobody does, none is observed. */
export function areServerCallsObserved(): boolean {
  return CHANNELS.serverCallStart.hasSubscribers || CHANNELS.serverCallEnd.hasSubscribers;
}

/** Tells of a call that no handler runs for. */
export function tellRefused(
  error: XtcpError,
  protocol: 'session' | 'classic',
  {
    remoteAddress,
    remotePort,
  }: { readonly remoteAddress: string | undefined; readonly remotePort: number | undefined },
): void {
  if (!CHANNELS.serverCallRefuse.hasSubscribers) return;
  const refused: RefusedServerCall = { code: error.code, protocol, remoteAddress, remotePort };
  CHANNELS.serverCallRefuse.publish(refused);
}
