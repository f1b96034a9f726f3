import type { Cancel, Clock } from '../clock/clock.js';
import type { XtcpError } from '../errors/xtcp-error.js';
import type { ClientSession, OutgoingCall } from '../session/client-session.js';
import type { Hello } from '../session/hello.js';
import type { Packer } from '../wire/codec.js';
import { CallQueue } from './call-queue.js';
import type { Dial } from './connection.js';
import { openSession, type OpenSessionLimits } from './open-session.js';
import type { PoolListener } from './pool.js';

export interface SessionPoolLimits extends OpenSessionLimits {
  /** Milliseconds that a call waits for a place on the connection; 0 for any time. */
  readonly queueTimeoutMs: number;
  /** Milliseconds that `close()` leaves to the calls that run. */
  readonly gracePeriodMs: number;
}

export interface SessionPoolListener extends PoolListener {
  /** The server speaks only the classic protocol; the calls that wait here are to go there. */
  onClassic(): void;
}

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting'; readonly cancel: Cancel }
  | { readonly kind: 'open'; readonly session: ClientSession };

/**
 * The sessions with one server: one connection that carries all calls, opened when the first needs it, and those
 * before it that are going away and still have calls.
 */
export class SessionPool<Call extends OutgoingCall> {
  private state: State = { kind: 'idle' };
  private readonly leaving = new Set<ClientSession>();
  private readonly queue: CallQueue<Call>;
  private readonly onConnected: { resolve: () => void; reject: (error: XtcpError) => void }[] = [];
  /** One for each connection with anything left of it, resolved when nothing is. */
  private readonly remaining = new Set<Promise<void>>();

  constructor(
    private readonly dial: Dial,
    private readonly own: Hello,
    private readonly limits: SessionPoolLimits,
    private readonly clock: Clock,
    private readonly msgpack: Packer | undefined,
    private readonly listener: SessionPoolListener,
  ) {
    this.queue = new CallQueue(limits.queueTimeoutMs, clock);
  }

  /** Makes a call as soon as there is a session with room. @returns what to call when it is not wanted any more */
  call(call: Call): Cancel {
    const cancel = this.queue.add(call);
    this.place();
    return cancel;
  }

  /** Resolves when a session is open, or the server turned out to be classic; rejects where none can be opened. */
  async connect(): Promise<void> {
    if (this.state.kind === 'open') return;
    await new Promise<void>((resolve, reject) => {
      this.onConnected.push({ resolve, reject });
      this.open();
    });
  }

  /**
   * Lets the calls that run finish for up to the grace period, then fails them with `error`; those that wait for a
   * place fail at once. Resolves when nothing is open.
   */
  async close(error: XtcpError): Promise<void> {
    const { state } = this;
    this.state = { kind: 'idle' };
    if (state.kind === 'connecting') state.cancel();
    this.fail(error);
    if (state.kind === 'open') this.leaving.add(state.session);
    const sessions = [...this.leaving];
    for (const session of sessions) session.drain();
    this.listener.onStatus('disconnected');
    if (this.remaining.size === 0) return;
    const remaining = Array.from(this.remaining);
    const cut = (): void => {
      for (const session of sessions) session.destroy(error);
    };
    const stopTimer = this.limits.gracePeriodMs === 0 ? cut() : this.clock.after(this.limits.gracePeriodMs, cut);
    await Promise.all(remaining);
    stopTimer?.();
  }

  /** Hands every call that waits to `put`, in order. */
  moveTo(put: (call: Call) => Cancel): void {
    this.queue.drainTo(() => put);
  }

  /** Fails every call that waits. */
  fail(error: XtcpError): void {
    for (const { reject } of this.onConnected.splice(0)) reject(error);
    this.queue.fail(error);
  }

  private place(): void {
    if (this.queue.isEmpty) return;
    if (this.state.kind === 'idle') this.open();
    this.queue.drainTo(() => {
      if (this.state.kind !== 'open' || !this.state.session.hasRoom) return undefined;
      const { session } = this.state;
      return (call) => session.open(call);
    });
  }

  private open(): void {
    if (this.state.kind !== 'idle') return;
    let opened: ClientSession | undefined;
    let gone: (() => void) | undefined;
    const isGone = new Promise<void>((resolve) => {
      gone = resolve;
    });
    this.remaining.add(isGone);
    const cancel = openSession(this.dial, this.own, this.limits, this.clock, this.msgpack, {
      onOpen: (session) => {
        opened = session;
        this.state = { kind: 'open', session };
        this.listener.onConnect();
        this.listener.onStatus('connected');
        this.connected();
        this.place();
      },
      onClassic: () => {
        this.state = { kind: 'idle' };
        this.listener.onClassic();
        this.connected();
      },
      onFailed: (error) => {
        this.state = { kind: 'idle' };
        this.listener.onLost(error);
        this.listener.onStatus('disconnected');
        this.fail(error);
      },
      onRoom: () => {
        this.place();
      },
      onLost: (error) => {
        this.listener.onLost(error);
      },
      onLeaving: () => {
        if (opened !== undefined) this.left(opened);
      },
      onGone: () => {
        this.remaining.delete(isGone);
        gone?.();
        if (opened !== undefined) {
          this.leaving.delete(opened);
          this.listener.onClose();
        }
      },
    });
    this.state = { kind: 'connecting', cancel };
  }

  private connected(): void {
    for (const { resolve } of this.onConnected.splice(0)) resolve();
  }

  /** A session opens no further calls: the next one goes over a new connection. */
  private left(session: ClientSession): void {
    this.leaving.add(session);
    if (this.state.kind !== 'open' || this.state.session !== session) return;
    this.state = { kind: 'idle' };
    this.listener.onStatus('disconnected');
    this.place();
  }
}
