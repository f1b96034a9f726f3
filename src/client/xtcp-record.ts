import type { CurrentCall } from '../async/current-call.js';
import type { Codec, EventAck } from '../options/client-options.js';
import type { Metadata } from '../wire/metadata.js';

/** What one call may say beside its pattern and data. */
export interface XtcpCallOptions {
  /** Metadata for the handler: at most 64 keys and 8 KiB as JSON. A classic call has no place for it. */
  metadata?: Metadata | undefined;
  /** Milliseconds that the call may take in all. Default: the client's `timeoutMs`. */
  timeoutMs?: number | undefined;
  /** How data that is neither text nor octets is encoded. Default: the client's `codec`. */
  codec?: Codec | undefined;
  /** When an event counts as emitted. Default: the client's `ack`. */
  ack?: EventAck | undefined;
  /** Cancels the call when it is aborted. */
  signal?: AbortSignal | undefined;
  /**
   * Whether running the call twice does no harm: then it is made again when its connection is lost in the middle,
   * unless something of its answer has come, or its data is a stream. Default false.
   */
  idempotent?: boolean | undefined;
  /** Called, before the end, with the metadata that the handler set for its caller, if it did. */
  onMetadata?: ((metadata: Metadata) => void) | undefined;
}

/** Data with the options of the call that carries it; made by {@link XtcpRecordBuilder}. */
export class XtcpRecord<TData = unknown> {
  constructor(
    readonly data: TData,
    readonly options: XtcpCallOptions,
  ) {}
}

/**
 * Builds what goes in the place of data where a call needs more than that, as the record builders of Nest's own
 * transports do:
 *
 *     client.send('toupper', new XtcpRecordBuilder('xiaoxiao').setTimeout(500).build())
 */
export class XtcpRecordBuilder<TData = unknown> {
  private readonly options: XtcpCallOptions = {};

  /** @param data any value; null and undefined too, which `send` and `emit` refuse by themselves */
  constructor(private readonly data: TData) {}

  /** Adds metadata to what was set before. */
  setMetadata(metadata: Metadata): this {
    const { metadata: before } = this.options;
    // Each option is set by itself, and nothing is spread that is not there. Measured: a third of the time to build one.
    this.options.metadata = before === undefined ? { ...metadata } : { ...before, ...metadata };
    return this;
  }

  /** @param timeoutMs milliseconds that the call may take in all */
  setTimeout(timeoutMs: number): this {
    this.options.timeoutMs = timeoutMs;
    return this;
  }

  setCodec(codec: Codec): this {
    this.options.codec = codec;
    return this;
  }

  setAck(ack: EventAck): this {
    this.options.ack = ack;
    return this;
  }

  /** Says that running the call twice does no harm. */
  setIdempotent(idempotent = true): this {
    this.options.idempotent = idempotent;
    return this;
  }

  setSignal(signal: AbortSignal): this {
    this.options.signal = signal;
    return this;
  }

  setOnMetadata(onMetadata: (metadata: Metadata) => void): this {
    this.options.onMetadata = onMetadata;
    return this;
  }

  /**
   * Takes over from the call that a handler is answering: what is left of its deadline, where that is less than what
   * was set, and its metadata.
   * @param context the handler's `XtcpContext`
   * @param keys the metadata to take over; all of it where left out
   */
  inherit(context: CurrentCall, keys?: readonly string[]): this {
    Object.assign(this.options, inheritedOptions(this.options, context, keys));
    return this;
  }

  build(): XtcpRecord<TData> {
    return new XtcpRecord(this.data, { ...this.options });
  }
}

/** The options with what they take over from `context`; what they say themselves comes before its metadata. */
export function inheritedOptions(
  options: XtcpCallOptions,
  context: CurrentCall,
  keys?: readonly string[],
): XtcpCallOptions {
  const entries = Object.entries(context.getMetadata() ?? {}).filter(([key]) => keys?.includes(key) ?? true);
  const left = context.deadline;
  const limits = [options.timeoutMs, left].filter((ms) => ms !== undefined);
  return {
    ...options,
    metadata: { ...Object.fromEntries(entries), ...options.metadata },
    timeoutMs: limits.length === 0 ? undefined : Math.min(...limits),
  };
}
