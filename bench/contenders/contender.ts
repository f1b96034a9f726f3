import type { PayloadKind } from '../loads/payload.js';

/** What both sides of a contender are told before they start. */
export interface Settings {
  /** What the load sends, for contenders that have to be told beforehand. */
  readonly payload: PayloadKind;
  /** Undefined for plain TCP. */
  readonly certificate: Certificate | undefined;
}

/** A key with its self-signed certificate for 127.0.0.1, both in PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** A way to let one Nest application call another. */
export interface Contender {
  /** Starts its server, which listens on a port of 127.0.0.1 that the system picks. */
  serve(settings: Settings): Promise<Serving>;
  /** A client as an application has one; not connected yet. */
  connectTo(port: number, settings: Settings): BenchClient;
}

export interface Serving {
  readonly port: number;
  close(): Promise<unknown>;
}

/** What a load does with a client. Each is the shortest that an application would write for it. */
export interface BenchClient {
  connect(): Promise<unknown>;
  close(): Promise<unknown>;
  /** Calls `echo`. */
  call(value: unknown): Promise<unknown>;
}

export interface EventClient extends BenchClient {
  /** Emits an event, until it counts as emitted. */
  emit(value: unknown): Promise<unknown>;
  /** How many events the server has handled so far. */
  handled(): Promise<number>;
}

export interface StreamClient extends BenchClient {
  /** Reads a stream from the server to its end. @returns how many items came */
  readItems(request: ItemsRequest): Promise<number>;
}

/** A stream of items that are all alike. */
export interface ItemsRequest {
  readonly kind: PayloadKind;
  /** Of one item. */
  readonly bytes: number;
  readonly count: number;
}
