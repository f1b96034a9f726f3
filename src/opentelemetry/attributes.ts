import type { Attributes } from '@opentelemetry/api';

import type { ObservedCall } from '../observe/observed-call.js';

/**
 * Names of the semantic conventions for RPC of 1.45, where they are stable:
 * https://opentelemetry.io/docs/specs/semconv/rpc/
 */
export const ATTRIBUTE = {
  system: 'rpc.system.name',
  method: 'rpc.method',
  originalMethod: 'rpc.method_original',
  statusCode: 'rpc.response.status_code',
  errorType: 'error.type',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  peerAddress: 'network.peer.address',
  peerPort: 'network.peer.port',
  direction: 'network.io.direction',
  /** `call` or `event`. */
  kind: 'xtcp.kind',
  /** `session` or `classic`. */
  protocol: 'xtcp.protocol',
  /** How often it was made, where that is more than once. */
  attempts: 'xtcp.attempts',
} as const;

export const SYSTEM = 'xtcp';

/** What the conventions put in the place of a method that would be one too many. */
export const OTHER = '_OTHER';

/** Where a client's call goes: `host:port`, `[ipv6]:port` or `unix:path`, taken apart. */
export function serverAttributes(endpoint: string): Attributes {
  if (endpoint.startsWith('unix:')) return { [ATTRIBUTE.serverAddress]: endpoint.slice('unix:'.length) };
  const colon = endpoint.lastIndexOf(':');
  const address = endpoint.slice(0, colon).replaceAll(/^\[|\]$/g, '');
  return { [ATTRIBUTE.serverAddress]: address, [ATTRIBUTE.serverPort]: Number(endpoint.slice(colon + 1)) };
}

/**
 * What is no fault of the server: the caller's own doing, or what it may not do. By the conventions' own rule for gRPC,
 * whose codes these are. APPLICATION is one, since Nest's filter makes that of an exception that nobody expected.
 */
const CALLERS_FAULTS: ReadonlySet<string> = new Set([
  'CANCELLED',
  'INVALID_ARGUMENT',
  'PERMISSION_DENIED',
  'UNAUTHENTICATED',
  'RESOURCE_EXHAUSTED',
  'PROTOCOL_ERROR',
]);

/** Whether a call that has ended failed, as its side has it: for a client whatever is not OK. */
export function isFailure({ outcome }: ObservedCall, side: 'client' | 'server'): boolean {
  return outcome !== undefined && outcome !== 'OK' && !(side === 'server' && CALLERS_FAULTS.has(outcome));
}

/** How a call that has ended did so. */
export function outcomeAttributes(call: ObservedCall, side: 'client' | 'server'): Attributes {
  const { outcome = 'OK' } = call;
  return {
    [ATTRIBUTE.statusCode]: outcome,
    ...(isFailure(call, side) && { [ATTRIBUTE.errorType]: outcome }),
  };
}
