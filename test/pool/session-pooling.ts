import { SessionPool, type SessionPoolLimits } from '../../src/pool/session-pool.js';
import type { OutgoingCall } from '../../src/session/client-session.js';
import { HELLO } from '../session/session-play.js';
import { FakeClock } from '../support/fake-clock.js';
import { dialling, type Dialled } from './session-dialling.js';

export interface Pooling {
  readonly clock: FakeClock;
  readonly pool: SessionPool<OutgoingCall>;
  readonly dials: Dialled[];
  readonly at: (index: number) => Dialled;
  /** What the pool told, in order. */
  readonly told: string[];
}

/** A pool of sessions whose servers the test plays. */
export function pooling(given: Partial<SessionPoolLimits> = {}): Pooling {
  const clock = new FakeClock();
  const told: string[] = [];
  const limits = {
    connectTimeoutMs: 200,
    incompleteMessageTimeout: 0,
    keepAliveIntervalMs: 0,
    keepAliveTimeoutMs: 0,
    maxAheadBytes: 0,
    queueTimeoutMs: 500,
    gracePeriodMs: 1000,
    ...given,
  };
  const { dial, dials, at } = dialling();
  const pool = new SessionPool<OutgoingCall>(dial, HELLO, limits, clock, undefined, {
    onConnect: () => told.push('connect'),
    onLost: ({ code }) => told.push(`lost ${code}`),
    onClose: () => told.push('close'),
    onStatus: (status) => told.push(status),
    onClassic: () => told.push('classic'),
  });
  return { clock, pool, dials, at, told };
}
