import type { Auth } from '../../src/options/client-options.js';
import type { PoolStatus } from '../../src/pool/pool.js';
import { SessionPool, type SessionPoolLimits } from '../../src/pool/session-pool.js';
import type { OutgoingCall } from '../../src/session/client-session.js';
import { HELLO, LIMITS } from '../session/session-play.js';
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

/** The limits of a pool of sessions where a test says nothing else. */
export const POOL_LIMITS = {
  connectTimeoutMs: 200,
  incompleteMessageTimeout: 0,
  maxFields: 16,
  queueTimeoutMs: 500,
  maxQueue: 1000,
  gracePeriodMs: 1000,
  reconnectDelayMs: 100,
  maxReconnectDelayMs: 1000,
} as const;

/**
 * A pool of sessions whose servers the test plays.
 * @param onStatus what is done from within the telling of a status
 */
export function pooling(
  given: Partial<SessionPoolLimits> = {},
  onStatus: (status: PoolStatus) => void = () => {},
  auth?: Auth,
): Pooling {
  const clock = new FakeClock();
  const told: string[] = [];
  const limits = { ...LIMITS, ...POOL_LIMITS, maxAheadBytes: 0, ...given };
  const { dial, dials, at } = dialling();
  const pool = new SessionPool<OutgoingCall>(
    dial,
    HELLO,
    auth,
    limits,
    clock,
    undefined,
    {
      onConnect: () => told.push('connect'),
      onLost: ({ code }) => told.push(`lost ${code}`),
      onClose: () => told.push('close'),
      onStatus: (status) => {
        told.push(status);
        onStatus(status);
      },
      onClassic: () => told.push('classic'),
    },
    () => 0.5,
  );
  return { clock, pool, dials, at, told };
}
