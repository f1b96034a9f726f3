import type { ItemsRequest } from '../contenders/contender.js';
import type { ContenderName } from '../contenders/contenders.js';
import type { Payload, PayloadKind } from './payload.js';

/** What is asked of the contenders. */
export type Work = TimedWork | IdleWork;

export type TimedWork =
  | { readonly kind: 'calls' | 'events'; readonly payload: Payload; readonly inFlight: number }
  /** At half the best rate of Nest's TCP transport. */
  | { readonly kind: 'open loop'; readonly payload: Payload }
  | {
      readonly kind: 'stream';
      readonly request: ItemsRequest;
      /** For contenders that would take too long, or hold too much in memory. */
      readonly fewerItems?: Partial<Record<ContenderName, number>>;
    };

/** Connections that do nothing. */
export interface IdleWork {
  readonly kind: 'idle';
  readonly connections: number;
}

export interface Load {
  readonly name: string;
  readonly work: Work;
  readonly contenders: readonly ContenderName[];
  readonly isOverTls?: boolean;
}

const KB = 1024;
const MB = 1024 * KB;

const FOR_TEXT = ['session', 'session-json', 'classic', 'nest-tcp', 'nest-grpc', 'limit'] as const;
const FOR_VALUES = ['session', 'classic', 'nest-tcp', 'nest-grpc', 'limit'] as const;

export const LOADS: readonly Load[] = [
  calls('32 B × 1', 'text', 32, 1, FOR_TEXT),
  calls('32 B × 64', 'text', 32, 64, FOR_TEXT),
  calls('32 B × 512', 'text', 32, 512, FOR_TEXT),
  calls('1 KB string × 64', 'text', KB, 64, FOR_TEXT),
  calls('1 KB object × 64', 'json', KB, 64, FOR_VALUES),
  calls('64 KB string × 16', 'text', 64 * KB, 16, FOR_TEXT),
  calls('1 MB string × 4', 'text', MB, 4, FOR_TEXT),
  calls('64 KB Buffer × 16', 'bytes', 64 * KB, 16, FOR_VALUES),
  calls('1 MB Buffer × 4', 'bytes', MB, 4, FOR_VALUES),
  calls('deadline and metadata, 32 B × 64', 'text', 32, 64, ['session', 'session-record', 'session-inherit']),
  { ...calls('TLS, 32 B × 64', 'text', 32, 64, ['session', 'nest-tcp']), isOverTls: true },
  { ...calls('TLS, 64 KB string × 16', 'text', 64 * KB, 16, ['session', 'nest-tcp']), isOverTls: true },
  {
    name: 'events, 32 B × 64',
    work: { kind: 'events', payload: { kind: 'text', bytes: 32 }, inFlight: 64 },
    contenders: ['session', 'session-unacked', 'nest-tcp'],
  },
  {
    name: 'stream of 100,000 × 32 B',
    work: {
      kind: 'stream',
      request: { kind: 'text', bytes: 32, count: 100_000 },
      fewerItems: { 'nest-grpc': 10_000 },
    },
    contenders: ['session', 'nest-tcp', 'nest-grpc'],
  },
  {
    name: 'stream of 1 GB in 64 KB Buffers',
    work: {
      kind: 'stream',
      request: { kind: 'bytes', bytes: 64 * KB, count: 16 * KB },
      // Nest's TCP transport gives up a connection that has 128 MiB to write, which JSON makes of a third as much.
      fewerItems: { 'nest-tcp': 256, 'nest-grpc': 2048 },
    },
    contenders: ['session', 'nest-tcp', 'nest-grpc'],
  },
  {
    name: 'open loop, 32 B',
    work: { kind: 'open loop', payload: { kind: 'text', bytes: 32 } },
    contenders: ['session', 'nest-tcp', 'limit'],
  },
  {
    name: 'idle connections',
    work: { kind: 'idle', connections: 10_000 },
    contenders: ['session', 'nest-tcp', 'bare-socket'],
  },
];

function calls(
  name: string,
  kind: PayloadKind,
  bytes: number,
  inFlight: number,
  contenders: readonly ContenderName[],
): Load {
  return { name, work: { kind: 'calls', payload: { kind, bytes }, inFlight }, contenders };
}
