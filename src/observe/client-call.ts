import type { Clock } from '../clock/clock.js';
import type { XtcpError } from '../errors/xtcp-error.js';
import { CHANNELS } from './channels.js';
import { ObservedCall } from './observed-call.js';

/** What metadata may have, so that a subscriber that adds to it can keep within. */
export interface MetadataBounds {
  /** Bytes as JSON. */
  readonly maxMetadataBytes: number;
  readonly maxMetadataKeys: number;
}

/** A call or event that a client makes: what `xtcp:client:call:start`, `:retry` and `:end` carry, the same object in all. */
export class ObservedClientCall extends ObservedCall {
  /** How often it was made: 1, and 1 more for each time that it was made again. */
  attempts = 1;
  private told = false;

  constructor(
    kind: 'call' | 'event',
    /** In Nest's normal form. */
    readonly pattern: string,
    /** Where it goes: `host:port`, `[ipv6]:port` or `unix:path`. */
    readonly endpoint: string,
    /** What is sent with it. What a subscriber of `xtcp:client:call:start` sets here at once is sent, too. */
    readonly metadata: Record<string, string>,
    /** Over these, the call fails with INVALID_ARGUMENT. */
    readonly metadataBounds: MetadataBounds,
    clock: Clock,
  ) {
    super(kind, clock);
  }

  /** For the transport: it failed with `error`, and is made again in a while. @internal */
  retry(error: XtcpError): void {
    this.attempts++;
    this.error = error;
    CHANNELS.clientCallRetry.publish(this);
  }

  /** For the transport. @internal */
  end(error: XtcpError | undefined): void {
    if (this.told) return;
    this.told = true;
    this.ended(error);
    CHANNELS.clientCallEnd.publish(this);
  }
}

/** What watches a call that is about to be made, and is told of its start here; undefined where nobody does. */
export function observeClientCall(
  call: {
    readonly kind: 'call' | 'event';
    readonly pattern: string;
    readonly metadata: Record<string, string> | undefined;
  },
  endpoint: string,
  bounds: MetadataBounds,
  clock: Clock,
): ObservedClientCall | undefined {
  const { clientCallStart, clientCallRetry, clientCallEnd } = CHANNELS;
  if (!clientCallStart.hasSubscribers && !clientCallEnd.hasSubscribers && !clientCallRetry.hasSubscribers) {
    return undefined;
  }
  const observed = new ObservedClientCall(call.kind, call.pattern, endpoint, { ...call.metadata }, bounds, clock);
  clientCallStart.publish(observed);
  return observed;
}
