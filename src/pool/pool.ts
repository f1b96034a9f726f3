import type { CallerLimits, ClassicCall } from '../classic/caller.js';
import type { Clock } from '../clock/clock.js';
import { XtcpError } from '../errors/xtcp-error.js';
import { CallQueue, type QueueLimits, type Withdraw } from './call-queue.js';
import { Connection, type Dial } from './connection.js';
import { Reuse } from './reuse.js';

export interface PoolLimits extends CallerLimits, QueueLimits {
  /** Connections that carry calls at once; calls beyond wait in order. */
  readonly connections: number;
  /** Requests under way at once on one connection, where the server keeps connections open. */
  readonly pipelining: number;
}

/** `reconnecting`: a session was lost and is being opened again. */
export type PoolStatus = 'connected' | 'reconnecting' | 'disconnected';

export interface PoolListener {
  /** A connection was opened. */
  onConnect(): void;
  /** A connection could not be opened, or was lost while calls were on it. */
  onLost(error: XtcpError): void;
  /** A connection was closed, by whichever side. */
  onClose(): void;
  /** Whether the server is there, as far as the latest that was seen of it tells. */
  onStatus(status: PoolStatus): void;
}

/**
 * The connections to one server: each call gets a place on one of them, or waits for it in order. {@link Reuse} says
 * which connections may be used, {@link Connection} opens and runs one, and this queues and chooses.
 */
export class Pool {
  /** Those that carry calls or may. */
  private readonly connections = new Set<Connection>();
  /** Those with anything left of them, the ones that are going included. */
  private readonly remaining = new Map<Connection, (() => void)[]>();
  private readonly queue: CallQueue<ClassicCall>;
  private readonly reuse: Reuse;
  private readonly connecting: { readonly resolve: () => void; readonly reject: (error: XtcpError) => void }[] = [];

  constructor(
    private readonly dial: Dial,
    private readonly limits: PoolLimits,
    private readonly clock: Clock,
    private readonly listener: PoolListener,
  ) {
    this.queue = new CallQueue(limits, clock);
    this.reuse = new Reuse(limits.pipelining > 1, clock);
  }

  /** Makes a call as soon as there is a place. @returns what to call when it is not wanted any more. */
  call(call: ClassicCall): Withdraw {
    const withdraw = this.queue.add(call);
    this.place();
    return withdraw;
  }

  /** Resolves when a connection is open; rejects with UNAVAILABLE where none can be opened. */
  async connect(): Promise<void> {
    if (this.anyOpen) return;
    await new Promise<void>((resolve, reject) => {
      this.connecting.push({ resolve, reject });
      if (this.connections.size === 0) this.open();
    });
  }

  /** Closes every connection at once, calls failing with `error`; resolves when none is left. Usable again after. */
  async close(error: XtcpError): Promise<void> {
    const failQueued = this.queue.cut();
    for (const { reject } of this.connecting.splice(0)) reject(error);
    const remaining = Array.from(this.remaining, ([, onGone]) => new Promise<void>((resolve) => onGone.push(resolve)));
    for (const connection of Array.from(this.remaining.keys())) connection.destroy(error);
    failQueued(error);
    this.listener.onStatus('disconnected');
    await Promise.all(remaining);
  }

  private get anyOpen(): boolean {
    for (const connection of this.connections) if (connection.isOpen) return true;
    return false;
  }

  /** Gives the calls that wait their places, the oldest first. */
  private place(): void {
    this.queue.drainTo(() => {
      const connection = this.choose();
      return connection && ((call) => connection.send(call));
    });
  }

  /** The connection for the next call: an idle one, else a new one, else the least busy that has room. */
  private choose(): Connection | undefined {
    let idle: Connection | undefined;
    let shared: Connection | undefined;
    let busy = 0;
    for (const connection of this.connections) {
      const isIdle = connection.calls === 0;
      if (!isIdle) busy++;
      if (this.roomOn(connection) === 0) continue;
      if (isIdle) idle = preferable(connection, idle);
      else shared = preferable(connection, shared);
    }
    return busy < this.limits.connections ? (idle ?? this.open()) : shared;
  }

  private roomOn(connection: Connection): number {
    if (connection.calls + connection.abandoned === 0) return this.reuse.mayCarry(connection) ? 1 : 0;
    if (!this.reuse.mayPipeline) return 0;
    const { pipelining } = this.limits;
    return connection.abandoned < pipelining ? pipelining - connection.calls : 0;
  }

  private open(): Connection {
    const connection: Connection = new Connection(this.dial, this.limits, this.clock, {
      onOpen: () => {
        this.listener.onConnect();
        this.listener.onStatus('connected');
        for (const { resolve } of this.connecting.splice(0)) resolve();
      },
      onAnswer: () => {
        this.reuse.answered(connection);
      },
      onRoom: () => {
        this.place();
        this.letGoOfIdle(connection);
      },
      onClose: (ending) => {
        this.connections.delete(connection);
        if (ending !== 'here') this.reuse.closedByServer(connection);
        if (ending instanceof XtcpError) this.listener.onLost(ending);
        const expected = ending === 'here' || (ending === 'server' && this.reuse.closesBehindAnswers);
        if (!expected && !this.anyOpen) this.listener.onStatus('disconnected');
        this.place();
        if (this.connections.size === 0) {
          const error =
            ending instanceof XtcpError ? ending : new XtcpError('UNAVAILABLE', 'the connection was closed');
          for (const { reject } of this.connecting.splice(0)) reject(error);
        }
      },
      onGone: () => {
        this.listener.onClose();
        const onGone = this.remaining.get(connection) ?? [];
        this.remaining.delete(connection);
        for (const resolve of onGone) resolve();
      },
    });
    this.connections.add(connection);
    this.remaining.set(connection, []);
    return connection;
  }

  /**
   * An idle connection that may not carry a call yet is kept only to see whether the server leaves it open, and one
   * such is enough.
   */
  private letGoOfIdle(connection: Connection): void {
    if (!connection.isOpen || connection.calls > 0 || this.reuse.mayCarry(connection)) return;
    const observing = [...this.connections].some(
      (other) => other !== connection && other.isOpen && other.calls === 0 && other.answers > 0,
    );
    if (observing || this.reuse.closesBehindAnswers) connection.finish();
  }
}

/** The less busy one; of two that are equally busy, the one that is open. */
function preferable(one: Connection, other: Connection | undefined): Connection {
  if (other === undefined || one.calls < other.calls) return one;
  return one.calls === other.calls && one.isOpen && !other.isOpen ? one : other;
}
