import { formatErrorAnswer } from '../classic/error-answer.js';
import { ClassicResponder, type ServeRequest } from '../classic/responder.js';
import type { Cancel, Clock } from '../clock/clock.js';
import { XtcpError } from '../errors/xtcp-error.js';
import type { ClientHello } from '../options/authenticate.js';
import type { ResolvedServerOptions } from '../options/server-options.js';
import { HELLO_JSON, helloFields, isHello, LEAST, readHello, refusalFields, type Hello } from '../session/hello.js';
import { ServerSession, type ServeCall } from '../session/server-session.js';
import type { ByteStream } from '../wire/byte-stream.js';
import { MSGPACK_LETTER, type Packer } from '../wire/codec.js';
import { FrameStream, type FrameStreamListener } from '../wire/frame-stream.js';
import type { Frame } from '../wire/frame.js';

export interface ConnectionHandlers {
  readonly serveRequest: ServeRequest;
  readonly serveCall: ServeCall;
  /** Decides whether a client may open a session; rejects with what it is told. Undefined where everybody may. */
  readonly authenticate: ((hello: ClientHello) => Promise<void>) | undefined;
  /** The other side broke a rule or a limit, and its connection is being closed. */
  readonly onBroken: (error: XtcpError) => void;
}

/** A connection that was accepted. Its first frame decides which protocol it speaks. */
export class ServerConnection implements FrameStreamListener {
  private readonly frames: FrameStream;
  private readonly frameLimits;
  private readonly stopHandshake: Cancel;
  private protocol: ClassicResponder | ServerSession | undefined;
  /**
   * `opening`: the first frame has not come. `authenticating`: it has, and its client is being looked at. `settled`:
   * it has its protocol, or was turned away.
   */
  private state: 'opening' | 'authenticating' | 'settled' = 'opening';
  private draining = false;

  constructor(
    bytes: ByteStream,
    private readonly options: ResolvedServerOptions,
    private readonly clock: Clock,
    private readonly msgpack: Packer | undefined,
    private readonly handlers: ConnectionHandlers,
  ) {
    const { maxFrameBytes, maxFields, incompleteMessageTimeout, handshakeTimeoutMs } = options;
    this.frameLimits = { maxFrameBytes, maxFields, incompleteMessageTimeout };
    this.frames = new FrameStream(bytes, this.frameLimits, clock, this);
    this.stopHandshake = clock.after(handshakeTimeoutMs, () => {
      this.tooSlow();
    });
  }

  /** Starts to let go: of a classic connection as soon as its requests are answered, of a session when its client goes. */
  drain(): void {
    this.draining = true;
    if (this.protocol !== undefined) this.protocol.drain();
    else if (this.settle()) this.frames.finish();
  }

  /** The grace period is over: says what can be said, and closes. */
  cut(): void {
    if (this.protocol instanceof ServerSession) this.protocol.cut();
    else this.frames.destroy();
  }

  onFrame(frame: Frame): void {
    if (isHello(frame)) {
      this.openSession(frame);
    } else if (this.options.classic) {
      this.openClassic().onFrame(frame);
    } else {
      this.refuse(new XtcpError('UNIMPLEMENTED', 'this server speaks xtcp sessions only, not xtcp 0.2'), 'classic');
    }
  }

  onBadInput(error: XtcpError): void {
    if (this.options.classic) this.openClassic().onBadInput(error);
    else this.refuse(error, 'classic');
  }

  onEnd(midFrame: boolean): void {
    if (this.options.classic) this.openClassic().onEnd(midFrame);
    else if (this.settle()) this.frames.finish();
  }

  onDrain(): void {}

  onClose(error: Error | undefined): void {
    if (this.settle() && error instanceof XtcpError) this.handlers.onBroken(error);
  }

  /** @returns whether it was open until now what becomes of the connection */
  private settle(): boolean {
    const wasOpen = this.state !== 'settled';
    this.state = 'settled';
    this.stopHandshake();
    return wasOpen;
  }

  private tooSlow(): void {
    const { handshakeTimeoutMs } = this.options;
    const what = this.state === 'opening' ? 'no first frame' : 'no end of its authentication';
    const error = new XtcpError('DEADLINE_EXCEEDED', `${what} within ${handshakeTimeoutMs} ms (handshakeTimeoutMs)`);
    this.refuse(error, this.state === 'opening' ? 'classic' : 'session');
  }

  /** Tells the other side why it is turned away, as its protocol has it, and closes; unless it has been let in. */
  refuse(error: XtcpError, protocol: 'classic' | 'session'): void {
    if (!this.settle()) return;
    this.handlers.onBroken(error);
    this.frames.send(protocol === 'classic' ? [formatErrorAnswer(error)] : refusalFields(error.notExecuted()));
    this.frames.finish();
  }

  private openClassic(): ClassicResponder {
    this.settle();
    const { frames, options, clock, handlers } = this;
    const responder = new ClassicResponder(frames, options, clock, handlers.serveRequest, handlers.onBroken);
    this.use(responder);
    return responder;
  }

  private openSession(frame: Frame): void {
    let peer: Hello;
    try {
      if (this.draining) throw new XtcpError('UNAVAILABLE', 'the server is shutting down', { executed: false });
      if (frame.length(HELLO_JSON) > LEAST.maxFrame) {
        throw new XtcpError('RESOURCE_EXHAUSTED', `the hello is over ${LEAST.maxFrame} bytes`);
      }
      peer = readHello(frame, 'client');
    } catch (error) {
      this.refuse(error as XtcpError, 'session');
      return;
    }
    const { authenticate } = this.handlers;
    if (authenticate === undefined) {
      this.acceptSession(peer);
      return;
    }
    this.state = 'authenticating';
    // What lies behind the hello waits; nothing of it is run before the client is known.
    this.frames.hold();
    authenticate({ name: peer.name, auth: peer.auth }).then(
      () => {
        if (this.state !== 'authenticating') return;
        this.acceptSession(peer);
        this.frames.release();
      },
      (error: unknown) => {
        this.refuse(error as XtcpError, 'session');
      },
    );
  }

  private acceptSession(peer: Hello): void {
    this.settle();
    const own: Hello = {
      maxFrame: Math.max(this.options.maxFrameBytes, LEAST.maxFrame),
      window: this.options.windowBytes,
      maxCalls: Math.max(this.options.maxCalls, LEAST.maxCalls),
      codecs: this.msgpack === undefined ? [] : [MSGPACK_LETTER],
    };
    this.frameLimits.maxFrameBytes = own.maxFrame;
    this.frames.send(helloFields(own));
    const { frames, options, clock, msgpack, handlers } = this;
    this.use(new ServerSession(frames, own, peer, options, clock, msgpack, handlers.serveCall, handlers.onBroken));
  }

  private use(protocol: ClassicResponder | ServerSession): void {
    this.protocol = protocol;
    this.frames.handTo(protocol);
  }
}
