import type { BenchClient, EventClient, ItemsRequest, StreamClient } from '../contenders/contender.js';
import { runClosedLoop } from './closed-loop.js';
import { runEvents } from './events.js';
import type { Percentiles } from './latencies.js';
import { runOpenLoop } from './open-loop.js';
import type { Payload } from './payload.js';
import { runStream } from './stream.js';

/** What a client is asked to do for a while. */
export type ClientWork =
  /** Each of `inFlight` callers makes its next call when its last is answered. */
  | { readonly kind: 'calls'; readonly payload: Payload; readonly inFlight: number }
  /** The same with events; the end is when the server has handled all of them. */
  | { readonly kind: 'events'; readonly payload: Payload; readonly inFlight: number }
  /** `rate` calls in a second, whether or not the ones before are answered. */
  | { readonly kind: 'open loop'; readonly payload: Payload; readonly rate: number }
  /** Streams from the server, one behind the other, each read to its end. */
  | { readonly kind: 'stream'; readonly request: ItemsRequest };

/** What was done. */
export interface Done {
  /** Calls, events or items. */
  readonly count: number;
  readonly seconds: number;
  /** Of calls. */
  readonly latencies?: Percentiles;
}

export interface Measured extends Done {
  /** Microseconds of CPU that the client's process used. */
  readonly cpuUs: number;
}

/** Asks a client only for what its contender is entered for: see loads.ts. */
export function measureWork(client: BenchClient, work: ClientWork, milliseconds: number): Promise<Done> {
  switch (work.kind) {
    case 'calls':
      return runClosedLoop(client, work, milliseconds);
    case 'events':
      return runEvents(client as EventClient, work, milliseconds);
    case 'open loop':
      return runOpenLoop(client, work, milliseconds);
    case 'stream':
      return runStream(client as StreamClient, work.request, milliseconds);
  }
}
