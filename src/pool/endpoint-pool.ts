import type { ClassicCall } from '../classic/caller.js';
import { nothing, type Cancel, type Clock } from '../clock/clock.js';
import { XtcpError } from '../errors/xtcp-error.js';
import type { Auth, Protocol } from '../options/client-options.js';
import type { OutgoingCall } from '../session/client-session.js';
import type { Hello } from '../session/hello.js';
import type { PingObserver } from '../session/pings.js';
import type { Packer } from '../wire/codec.js';
import type { Withdraw } from './call-queue.js';
import type { Dial } from './connection.js';
import { Pool, type PoolLimits, type PoolListener } from './pool.js';
import { SessionPool, type SessionPoolLimits } from './session-pool.js';

/** Milliseconds for which a server that speaks only classic is taken to do so, before sessions are tried again. */
const REMEMBER_MS = 60_000;

/** A call that can go over either protocol. */
export interface EndpointCall extends OutgoingCall {
  /** @throws {XtcpError} where classic has no way to say it */
  toClassic(): ClassicCall;
}

/** All connections to one server, in whichever protocol it speaks. */
export class EndpointPool {
  private readonly sessions: SessionPool<EndpointCall>;
  private readonly classic: Pool;
  private classicUntil = -Infinity;

  constructor(
    private readonly protocol: Protocol,
    dial: Dial,
    own: Hello,
    auth: Auth | undefined,
    limits: PoolLimits & SessionPoolLimits,
    private readonly clock: Clock,
    msgpack: Packer | undefined,
    listener: PoolListener,
  ) {
    this.classic = new Pool(dial, limits, clock, listener);
    this.sessions = new SessionPool(dial, own, auth, limits, clock, msgpack, {
      ...listener,
      onClassic: () => {
        this.metClassic();
      },
    });
  }

  /** @returns what to call when the call is not wanted any more */
  call(call: EndpointCall): Withdraw {
    return this.speaksClassic ? this.callClassic(call) : this.sessions.call(call);
  }

  /**
   * Pings the server: not a call, so that it finds out about the connection alone. Fails with UNIMPLEMENTED where that
   * is a classic one.
   * @returns what takes it back
   */
  ping(observer: PingObserver): Cancel {
    const refusal = new XtcpError('UNIMPLEMENTED', 'xtcp 0.2 has no ping', { executed: false });
    if (this.speaksClassic) {
      observer.onError(refusal);
      return nothing;
    }
    return this.sessions.ping({
      onPong: () => {
        observer.onPong();
      },
      onError: (error) => {
        observer.onError(this.speaksClassic ? refusal : error);
      },
    });
  }

  async connect(): Promise<void> {
    if (!this.speaksClassic) await this.sessions.connect();
    if (this.speaksClassic) await this.classic.connect();
  }

  async close(error: XtcpError): Promise<void> {
    await Promise.all([this.sessions.close(error), this.classic.close(error)]);
  }

  private get speaksClassic(): boolean {
    if (this.protocol === 'classic') return true;
    return this.classicUntil !== -Infinity && this.clock.now() < this.classicUntil;
  }

  private metClassic(): void {
    if (this.protocol === 'session') {
      this.sessions.fail(
        new XtcpError('UNIMPLEMENTED', 'the server speaks only xtcp 0.2, and protocol is "session"', {
          executed: false,
        }),
      );
      return;
    }
    this.classicUntil = this.clock.now() + REMEMBER_MS;
    this.sessions.moveTo((call) => this.callClassic(call));
  }

  private callClassic(call: EndpointCall): Withdraw {
    let classic: ClassicCall;
    try {
      classic = call.toClassic();
    } catch (error) {
      call.onError((error as XtcpError).notExecuted());
      return () => {};
    }
    return this.classic.call(classic);
  }
}
