import { formatErrorAnswer } from '../classic/error-answer.js';
import { ClassicResponder, type ServeRequest } from '../classic/responder.js';
import type { Clock } from '../clock/clock.js';
import { XtcpError } from '../errors/xtcp-error.js';
import type { ResolvedServerOptions } from '../options/server-options.js';
import { helloFields, isHello, MAX_FIELDS, LEAST, readHello, refusalFields, type Hello } from '../session/hello.js';
import { ServerSession, type ServeCall } from '../session/server-session.js';
import type { ByteStream } from '../wire/byte-stream.js';
import { MSGPACK_LETTER, type Packer } from '../wire/codec.js';
import { FrameStream, type FrameStreamListener } from '../wire/frame-stream.js';
import type { Frame } from '../wire/frame.js';

export interface ConnectionHandlers {
  readonly serveRequest: ServeRequest;
  readonly serveCall: ServeCall;
  /** The other side broke a rule, and its connection is being closed. */
  readonly onBroken: (error: XtcpError) => void;
}

/** A connection that was accepted. Its first frame decides which protocol it speaks. */
export class ServerConnection implements FrameStreamListener {
  private readonly frames: FrameStream;
  private readonly frameLimits;
  private protocol: ClassicResponder | ServerSession | undefined;
  private draining = false;

  constructor(
    bytes: ByteStream,
    private readonly options: ResolvedServerOptions,
    private readonly clock: Clock,
    private readonly msgpack: Packer | undefined,
    private readonly handlers: ConnectionHandlers,
  ) {
    const { maxFrameBytes, incompleteMessageTimeout } = options;
    this.frameLimits = { maxFrameBytes, maxFields: MAX_FIELDS, incompleteMessageTimeout };
    this.frames = new FrameStream(bytes, this.frameLimits, clock, this);
  }

  /** Starts to let go: of a classic connection as soon as its requests are answered, of a session when its client goes. */
  drain(): void {
    this.draining = true;
    if (this.protocol === undefined) this.frames.finish();
    else this.protocol.drain();
  }

  /** The grace period is over: says what can be said, and closes. */
  cut(): void {
    if (this.protocol instanceof ServerSession) this.protocol.cut();
    else this.frames.destroy();
  }

  /** Turns the client away, whatever it asks. */
  refuse(error: XtcpError): void {
    this.handlers.onBroken(error);
    this.frames.send([formatErrorAnswer(error)]);
    this.frames.finish();
  }

  onFrame(frame: Frame): void {
    if (isHello(frame)) {
      this.openSession(frame);
    } else if (this.options.classic) {
      this.openClassic().onFrame(frame);
    } else {
      this.refuse(new XtcpError('UNIMPLEMENTED', 'this server speaks xtcp sessions only, not xtcp 0.2'));
    }
  }

  onBadInput(error: XtcpError): void {
    this.openClassic().onBadInput(error);
  }

  onEnd(midFrame: boolean): void {
    this.openClassic().onEnd(midFrame);
  }

  onDrain(): void {}

  onClose(): void {}

  private openClassic(): ClassicResponder {
    const { frames, options, clock, handlers } = this;
    const responder = new ClassicResponder(frames, options, clock, handlers.serveRequest, handlers.onBroken);
    this.use(responder);
    return responder;
  }

  private openSession(frame: Frame): void {
    let peer: Hello;
    try {
      if (this.draining) throw new XtcpError('UNAVAILABLE', 'the server is shutting down', { executed: false });
      peer = readHello(frame, 'client');
    } catch (error) {
      const refusal = error as XtcpError;
      this.handlers.onBroken(refusal);
      this.frames.send(refusalFields(refusal));
      this.frames.finish();
      return;
    }
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
