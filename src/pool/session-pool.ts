import { nothing, type Cancel, type Clock } from '../clock/clock.js';
import { XtcpError } from '../errors/xtcp-error.js';
import type { Auth } from '../options/client-options.js';
import type { ClientSession, OutgoingCall } from '../session/client-session.js';
import type { Hello } from '../session/hello.js';
import type { PingObserver } from '../session/pings.js';
import type { Packer } from '../wire/codec.js';
import { Backoff } from './backoff.js';
import { CallQueue, type QueueLimits, type Withdraw } from './call-queue.js';
import type { Dial } from './connection.js';
import { openSession, type OpenSessionLimits } from './open-session.js';
import type { PoolListener } from './pool.js';

export interface SessionPoolLimits extends OpenSessionLimits, QueueLimits {
  /** Milliseconds that `close()` leaves to the calls that run. */
  readonly gracePeriodMs: number;
  /** Milliseconds that bound the wait behind the first attempt to connect that fails; doubled with each further one. */
  readonly reconnectDelayMs: number;
  readonly maxReconnectDelayMs: number;
}

export interface SessionPoolListener extends PoolListener {
  /** The server speaks only the classic protocol; the calls that wait here are to go there. */
  onClassic(): void;
}

/** `waiting`: the last attempt to connect failed, and the next one is made when its time has come. */
type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'waiting'; readonly stopTimer: Cancel }
  | { readonly kind: 'connecting'; readonly cancel: Cancel }
  | { readonly kind: 'open'; readonly session: ClientSession };

/**
 * The sessions with one server: one connection that carries all calls, opened when the first needs it and again when
 * it was lost, and those before it that are going away and still have calls.
 */
export class SessionPool<Call extends OutgoingCall> {
  private state: State = { kind: 'idle' };
  private readonly leaving = new Set<ClientSession>();
  private readonly queue: CallQueue<Call>;
  private readonly onConnected: { resolve: () => void; reject: (error: XtcpError) => void }[] = [];
  /** One for each connection with anything left of it, resolved when nothing is. */
  private readonly remaining = new Set<Promise<void>>();
  private readonly backoff: Backoff;
  /** The moment of the clock before which no attempt to connect is made. */
  private notBefore = -Infinity;
  /** Whether there was a session since the pool was made or closed: what is lost then is opened again by itself. */
  private reached = false;
  /** Sessions in a row that went before a call had ended on them. */
  private inVain = 0;
  /** Why there is no session, as far as the last attempt tells. */
  private failure: XtcpError | undefined;

  constructor(
    private readonly dial: Dial,
    private readonly own: Hello,
    private readonly auth: Auth | undefined,
    private readonly limits: SessionPoolLimits,
    private readonly clock: Clock,
    private readonly msgpack: Packer | undefined,
    private readonly listener: SessionPoolListener,
    random?: () => number,
  ) {
    this.queue = new CallQueue(limits, clock, () => this.trouble);
    this.backoff = new Backoff(limits.reconnectDelayMs, limits.maxReconnectDelayMs, random);
  }

  /** Makes a call as soon as there is a session with room. @returns what to call when it is not wanted any more */
  call(call: Call): Withdraw {
    const { state } = this;
    if (state.kind === 'open' && state.session.hasRoom && this.queue.isEmpty) return state.session.open(call);
    const withdraw = this.queue.add(call);
    this.place();
    return withdraw;
  }

  /** Resolves when a session is open, or the server turned out to be classic; rejects where none can be opened. */
  async connect(): Promise<void> {
    if (this.state.kind === 'open') return;
    await new Promise<void>((resolve, reject) => {
      this.onConnected.push({ resolve, reject });
      if (this.state.kind !== 'connecting') this.open();
    });
  }

  /** Pings the server, over a session that is opened where there is none. @returns what takes it back */
  ping(observer: PingObserver): Cancel {
    if (this.state.kind === 'open') return this.state.session.measure(observer);
    let cancel: Cancel | undefined = nothing;
    const connected = (): void => {
      if (cancel === undefined) return;
      if (this.state.kind === 'open') cancel = this.state.session.measure(observer);
      else observer.onError(new XtcpError('UNAVAILABLE', 'there is no session', { executed: false }));
    };
    this.connect().then(connected, (error: unknown) => {
      if (cancel !== undefined) observer.onError(error as XtcpError);
    });
    return () => {
      cancel?.();
      cancel = undefined;
    };
  }

  /**
   * Lets the calls that run finish for up to the grace period, then fails them with `error`; those that wait for a
   * place fail at once. Resolves when nothing is open.
   */
  async close(error: XtcpError): Promise<void> {
    const { state } = this;
    this.state = { kind: 'idle' };
    this.reached = false;
    this.failure = undefined;
    this.notBefore = -Infinity;
    this.isWell();
    if (state.kind === 'connecting') state.cancel();
    if (state.kind === 'waiting') state.stopTimer();
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
  moveTo(put: (call: Call) => Withdraw): void {
    this.queue.drainTo(() => put);
  }

  /** Fails every call that waits. */
  fail(error: XtcpError): void {
    for (const { reject } of this.onConnected.splice(0)) reject(error);
    this.queue.fail(error);
  }

  /** Why calls wait, while a session that was lost is being opened again. */
  private get trouble(): XtcpError | undefined {
    if (!this.reached || this.state.kind === 'open') return undefined;
    const { message, cause } = this.failure ?? new XtcpError('UNAVAILABLE', 'the connection was lost');
    return new XtcpError('UNAVAILABLE', `there is no connection: ${message}`, { cause, executed: false });
  }

  private place(): void {
    // Apart from what it does where there are some, so that the end of each call does not make room for its variables.
    if (!this.queue.isEmpty) this.placeWaiting();
  }

  private placeWaiting(): void {
    if (this.state.kind === 'idle') this.openInTime();
    this.queue.drainTo(() => {
      if (this.state.kind !== 'open' || !this.state.session.hasRoom) return undefined;
      const { session } = this.state;
      return (call) => session.open(call);
    });
  }

  /** Connects, at once or when its time has come. */
  private openInTime(): void {
    const early = this.notBefore - this.clock.now();
    if (early <= 0) {
      this.open();
      return;
    }
    const stopTimer = this.clock.after(early, () => {
      this.state = { kind: 'idle' };
      this.open();
    });
    this.state = { kind: 'waiting', stopTimer };
  }

  private open(): void {
    if (this.state.kind === 'waiting') this.state.stopTimer();
    else if (this.state.kind !== 'idle') return;
    let opened: ClientSession | undefined;
    let gone: (() => void) | undefined;
    const isGone = new Promise<void>((resolve) => {
      gone = resolve;
    });
    this.remaining.add(isGone);
    const cancel = openSession(this.dial, this.own, this.auth, this.limits, this.clock, this.msgpack, {
      onOpen: (session) => {
        opened = session;
        this.state = { kind: 'open', session };
        this.reached = true;
        this.failure = undefined;
        this.listener.onConnect();
        this.listener.onStatus('connected');
        this.connected();
        this.place();
      },
      onClassic: () => {
        this.state = { kind: 'idle' };
        this.reached = false;
        this.listener.onClassic();
        this.connected();
      },
      onFailed: (error) => {
        this.failed(error);
      },
      onRoom: () => {
        if (opened?.hasServed === true) this.isWell();
        this.place();
      },
      onLost: (error) => {
        this.listener.onLost(error);
      },
      onLeaving: (isWanted) => {
        if (opened !== undefined) this.left(opened, isWanted);
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

  /** No session could be opened. */
  private failed(error: XtcpError): void {
    this.state = { kind: 'idle' };
    this.failure = error;
    this.notBefore = this.clock.now() + this.backoff.next();
    this.listener.onLost(error);
    const passes = error.code === 'UNAVAILABLE' || error.code === 'RESOURCE_EXHAUSTED';
    if (this.reached && passes) {
      // The server was there and will be again; calls wait for it.
      for (const { reject } of this.onConnected.splice(0)) reject(error);
      this.reconnect();
      return;
    }
    // An address that nobody was ever found at is told at once, and so is what waiting does not mend.
    this.reached = false;
    this.listener.onStatus('disconnected');
    this.fail(error);
  }

  private isWell(): void {
    this.inVain = 0;
    this.backoff.reset();
  }

  private reconnect(): void {
    this.listener.onStatus('reconnecting');
    // What listens to the status may have closed the pool, or made a call.
    if (this.reached && this.state.kind === 'idle') this.openInTime();
  }

  /** A session opens no further calls: the next one goes over a new connection. */
  private left(session: ClientSession, isWanted: boolean): void {
    this.leaving.add(session);
    if (this.state.kind !== 'open' || this.state.session !== session) return;
    this.state = { kind: 'idle' };
    // One that takes connections and lets go of them is not to be asked without a pause.
    if (session.hasServed) this.isWell();
    else if (++this.inVain > 1) this.notBefore = this.clock.now() + this.backoff.next();
    if (isWanted) {
      this.reconnect();
    } else {
      this.listener.onStatus('disconnected');
      this.place();
    }
  }
}
