import type { Channel } from 'node:diagnostics_channel';

import { BoundedPatterns } from '../observe/bounded-patterns.js';
import type { ObservedCall } from '../observe/observed-call.js';
import type { Collection } from './collection.js';

/** A call as either side's channels carry it. */
type PatternedCall = ObservedCall & { readonly pattern: string };

/**
 * Keeps what there is to be kept of the calls of one side, in the same way of both.
 * @param done what this side does with calls, for people: `made`
 * @returns what gives the label of the pattern of a call that is under way
 */
export function countCalls(
  collection: Collection,
  side: 'client' | 'server',
  done: string,
  start: Channel,
  end: Channel,
): (call: PatternedCall) => string | undefined {
  const patterns = new BoundedPatterns('other');
  /** The calls that have started, each with the label of its pattern. */
  const started = new Map<PatternedCall, string>();
  const inFlight = collection.gauge(
    `xtcp_${side}_calls_in_flight`,
    `Calls and events that are being ${done}`,
    'pattern',
  );
  const durations = collection.durations(
    `xtcp_${side}_call_duration_seconds`,
    `How long calls and events that were ${done} took, by how they ended`,
    'pattern',
    'kind',
    'code',
  );
  const sent = collection.counter(
    `xtcp_${side}_sent_bytes_total`,
    `Bytes of the payloads that went out for calls and events that were ${done}`,
    'pattern',
  );
  const received = collection.counter(
    `xtcp_${side}_received_bytes_total`,
    `Bytes of the payloads that came in for calls and events that were ${done}`,
    'pattern',
  );
  collection.on<PatternedCall>(start, (call) => {
    const pattern = patterns.of(call.pattern);
    started.set(call, pattern);
    inFlight.inc({ pattern });
  });
  collection.on<PatternedCall>(end, (call) => {
    const pattern = started.get(call);
    // It had started before anybody counted.
    if (pattern === undefined) return;
    started.delete(call);
    inFlight.dec({ pattern });
    durations.observe({ pattern, kind: call.kind, code: call.outcome ?? 'OK' }, (call.durationMs ?? 0) / 1000);
    sent.inc({ pattern }, call.sentBytes);
    received.inc({ pattern }, call.receivedBytes);
  });
  return (call) => started.get(call);
}
