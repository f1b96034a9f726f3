import { propagation, ROOT_CONTEXT, type Context } from '@opentelemetry/api';

import type { MetadataBounds, ObservedClientCall } from '../observe/client-call.js';
import type { ServerCallStart } from '../observe/server-call.js';

/** What matters most: without it the others mean nothing. */
const FIRST = ['traceparent', 'tracestate'];

/**
 * Puts what the propagator carries into a call's metadata, in the place of what it carried before: a server with
 * `inherit: true` hands on its caller's metadata, whose span is not the one that makes this call. What does not fit
 * into the metadata is left out, baggage before the trace: a call must not fail for being traced.
 */
export function inject(from: Context, { metadata, metadataBounds }: ObservedClientCall): void {
  for (const field of propagation.fields()) delete metadata[field];
  const carrier: Record<string, string> = {};
  propagation.inject(from, carrier);
  const keys = Object.keys(carrier);
  if (keys.length === 0) return;
  if (fits({ ...metadata, ...carrier }, metadataBounds)) {
    Object.assign(metadata, carrier);
    return;
  }
  const inOrder = [...FIRST.filter((key) => key in carrier), ...keys.filter((key) => !FIRST.includes(key))];
  for (const key of inOrder) {
    const value = carrier[key]!;
    if (fits({ ...metadata, [key]: value }, metadataBounds)) metadata[key] = value;
  }
}

function fits(metadata: Record<string, string>, { maxMetadataBytes, maxMetadataKeys }: MetadataBounds): boolean {
  return (
    Object.keys(metadata).length <= maxMetadataKeys && Buffer.byteLength(JSON.stringify(metadata)) <= maxMetadataBytes
  );
}

/** The context that a call's caller sent; a root where it sent none. */
export function extract({ metadata }: ServerCallStart): Context {
  return metadata === undefined ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, metadata);
}
