import type { Socket } from 'node:net';

import type { InOrder } from '../async/in-order.js';
import { formatErrorAnswer } from '../classic/error-answer.js';
import { ClassicResponder, type Answer } from '../classic/responder.js';
import { nothing, type Cancel, type Clock } from '../clock/clock.js';
import type { Deadlines } from '../clock/deadlines.js';
import { XtcpError } from '../errors/xtcp-error.js';
import { tellRefused } from '../observe/server-call.js';
import type { ClientHello } from '../options/authenticate.js';
import type { ResolvedServerOptions } from '../options/server-options.js';
import {
  HELLO_JSON,
  helloFields,
  isHello,
  LEAST,
  readHello,
  refusalFields,
  termsOf,
  type Hello,
  type Terms,
} from '../session/hello.js';
import type { ServedCall } from '../session/served-call.js';
import { ServerSession, type ServerSide, type SessionHost } from '../session/server-session.js';
import type { ByteStream } from '../wire/byte-stream.js';
import { FrameStream, type FrameStreamLimits, type FrameStreamListener } from '../wire/frame-stream.js';
import type { Frame } from '../wire/frame.js';
import type { ConnectedPeer } from './dispatcher.js';

/** What all connections of a server have in common. */
export interface ConnectionHost {
  readonly options: ResolvedServerOptions;
  readonly sessions: ServerSide;
  /** The limits of frames in a session, which go by what the server says; before, they are the options. */
  readonly sessionFrames: FrameStreamLimits;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  serveRequest(peer: ConnectedPeer, request: Frame, answer: Answer): Cancel;
  serveCall(peer: ConnectedPeer, call: ServedCall): void;
  /** Says who a client is; rejects with what it is told. Undefined where everybody may open a session. */
  readonly identify: ((peer: ConnectedPeer, hello: ClientHello) => Promise<unknown>) | undefined;
  /** Whether the server drains: what has not begun to speak until then is turned away when it does. */
  readonly isDraining: boolean;
  /** The other side broke a rule or a limit, and its connection is being closed. */
  onBroken(peer: ConnectedPeer, error: XtcpError): void;
}

/** A connection that was accepted, and its client. The first frame decides which protocol it speaks. */
export class ServerConnection implements ConnectedPeer, FrameStreamListener, SessionHost {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  identity: unknown;
  order: InOrder | undefined;
  private readonly frames: FrameStream;
  private stopHandshake: Cancel;
  private protocol: ClassicResponder | ServerSession | undefined;
  /**
   * `opening`: the first frame has not come. `authenticating`: it has, and its client is being looked at. `settled`:
   * it has its protocol, or was turned away.
   */
  private state: 'opening' | 'authenticating' | 'settled' = 'opening';

  constructor(
    bytes: ByteStream,
    readonly socket: Socket,
    private readonly host: ConnectionHost,
  ) {
    this.remoteAddress = socket.remoteAddress;
    this.remotePort = socket.remotePort;
    this.frames = new FrameStream(bytes, host.options, host.clock, this);
    this.stopHandshake = host.clock.after(host.options.handshakeTimeoutMs, () => {
      this.tooSlow();
    });
  }

  serveCall(call: ServedCall): void {
    this.host.serveCall(this, call);
  }

  onRefused(error: XtcpError): void {
    tellRefused(error, 'session', this);
  }

  onBroken(error: XtcpError): void {
    this.host.onBroken(this, error);
  }

  /** Whether it is still open what becomes of it, its first frame not having come. */
  get isOpening(): boolean {
    return this.state === 'opening';
  }

  /** Starts to let go: of a classic connection as soon as its requests are answered, of a session when its client goes. */
  drain(): void {
    if (this.protocol !== undefined) this.protocol.drain();
    else if (this.settle()) this.frames.finish();
  }

  /** The grace period is over: says what can be said, and closes. */
  cut(): void {
    if (this.protocol instanceof ServerSession) this.protocol.cut();
    else this.frames.destroy();
  }

  /**
   * Gives the connection up to somebody else, to whom its first byte says that it belongs.
   * @returns whether it was open until now what becomes of it
   */
  giveUp(): boolean {
    return this.settle();
  }

  onFrame(frame: Frame): void {
    if (this.host.isDraining) {
      this.turnAway(
        new XtcpError('UNAVAILABLE', 'the server is shutting down', { executed: false }),
        isHello(frame) ? 'session' : 'classic',
      );
    } else if (isHello(frame)) {
      this.openSession(frame);
    } else if (this.host.options.classic) {
      this.openClassic().onFrame(frame);
    } else {
      this.refuse(new XtcpError('UNIMPLEMENTED', 'this server speaks xtcp sessions only, not xtcp 0.2'), 'classic');
    }
  }

  onBadInput(error: XtcpError): void {
    if (this.host.options.classic) this.openClassic().onBadInput(error);
    else this.refuse(error, 'classic');
  }

  onEnd(midFrame: boolean): void {
    if (this.host.options.classic) this.openClassic().onEnd(midFrame);
    else if (this.settle()) this.frames.finish();
  }

  onDrain(): void {}

  onClose(error: Error | undefined): void {
    if (this.settle() && error instanceof XtcpError) this.onBroken(error);
  }

  /** @returns whether it was open until now what becomes of the connection */
  private settle(): boolean {
    const wasOpen = this.state !== 'settled';
    this.state = 'settled';
    this.stopHandshake();
    this.stopHandshake = nothing;
    return wasOpen;
  }

  private tooSlow(): void {
    const { handshakeTimeoutMs } = this.host.options;
    const what = this.state === 'opening' ? 'no first frame' : 'no end of its authentication';
    const error = new XtcpError('DEADLINE_EXCEEDED', `${what} within ${handshakeTimeoutMs} ms (handshakeTimeoutMs)`);
    this.refuse(error, this.state === 'opening' ? 'classic' : 'session');
  }

  /** Tells the other side why it is turned away, as its protocol has it, and closes; unless it has been let in. */
  refuse(error: XtcpError, protocol: 'classic' | 'session'): void {
    if (!this.settle()) return;
    this.onBroken(error);
    this.say(error, protocol);
  }

  /** As {@link refuse}, where that is not the other side's doing. */
  private turnAway(error: XtcpError, protocol: 'classic' | 'session'): void {
    if (this.settle()) this.say(error, protocol);
  }

  private say(error: XtcpError, protocol: 'classic' | 'session'): void {
    this.frames.send(protocol === 'classic' ? [formatErrorAnswer(error)] : refusalFields(error.notExecuted()));
    this.frames.finish();
  }

  private openClassic(): ClassicResponder {
    this.settle();
    const { options, clock, deadlines } = this.host;
    const responder = new ClassicResponder(
      this.frames,
      options,
      clock,
      (request, answer) => this.host.serveRequest(this, request, answer),
      (error) => {
        this.onBroken(error);
      },
      deadlines,
      (error) => {
        tellRefused(error, 'classic', this);
      },
    );
    this.use(responder);
    return responder;
  }

  private openSession(frame: Frame): void {
    let hello: Hello;
    try {
      if (frame.length(HELLO_JSON) > LEAST.maxFrame) {
        throw new XtcpError('RESOURCE_EXHAUSTED', `the hello is over ${LEAST.maxFrame} bytes`);
      }
      hello = readHello(frame, 'client');
    } catch (error) {
      this.refuse(error as XtcpError, 'session');
      return;
    }
    const { identify } = this.host;
    if (identify === undefined) {
      this.acceptSession(termsOf(hello));
      return;
    }
    this.state = 'authenticating';
    // What lies behind the hello waits; nothing of it is run before the client is known.
    this.frames.hold();
    const terms = termsOf(hello);
    identify(this, { name: hello.name, auth: hello.auth }).then(
      (identity) => {
        if (this.state !== 'authenticating') return;
        this.identity = identity;
        this.acceptSession(terms);
        this.frames.release();
      },
      (error: unknown) => {
        this.refuse(error as XtcpError, 'session');
      },
    );
  }

  private acceptSession(peer: Terms): void {
    this.settle();
    const { sessions, sessionFrames } = this.host;
    this.frames.limitTo(sessionFrames);
    this.frames.send(helloFields(sessions.hello));
    this.use(new ServerSession(this.frames, sessions, peer, this));
  }

  private use(protocol: ClassicResponder | ServerSession): void {
    this.protocol = protocol;
    this.frames.handTo(protocol);
  }
}
