import {
  ClassicCaller,
  type CallerLimits,
  type CallerListener,
  type ClassicCall,
  type Ending,
} from '../classic/caller.js';
import type { Cancel, Clock } from '../clock/clock.js';
import type { XtcpError } from '../errors/xtcp-error.js';
import type { ByteStream } from '../wire/byte-stream.js';
import type { Carrier } from './reuse.js';

/** Opens a connection and says one of the two, once, after it has returned; neither after it was cancelled. */
export type Dial = (onOpen: (bytes: ByteStream) => void, onFailed: (error: XtcpError) => void) => Cancel;

export interface ConnectionListener extends CallerListener {
  onOpen(): void;
}

type State =
  | { readonly kind: 'connecting'; readonly stopDial: Cancel; readonly waiting: Map<ClassicCall, { stop: Cancel }> }
  | { readonly kind: 'open'; readonly caller: ClassicCaller }
  /** It carries no calls any more, but may still be closing. */
  | { readonly kind: 'closed'; readonly caller: ClassicCaller | undefined };

/** One connection of the pool, from the dial on; takes calls before it is open. */
export class Connection implements Carrier {
  answers = 0;
  answeredAt = 0;
  private state: State = { kind: 'closed', caller: undefined };

  constructor(
    dial: Dial,
    private readonly limits: CallerLimits,
    private readonly clock: Clock,
    private readonly listener: ConnectionListener,
  ) {
    const stopDial = dial(
      (bytes) => {
        this.opened(bytes);
      },
      (error) => {
        this.failed(error, error);
      },
    );
    this.state = { kind: 'connecting', stopDial, waiting: new Map() };
  }

  get isOpen(): boolean {
    return this.state.kind === 'open';
  }

  /** Calls here that somebody waits for. */
  get calls(): number {
    if (this.state.kind === 'connecting') return this.state.waiting.size;
    return this.state.kind === 'open' ? this.state.caller.calls : 0;
  }

  /** Answers that are still owed here, though nobody waits for them. */
  get abandoned(): number {
    return this.state.kind === 'open' ? this.state.caller.abandoned : 0;
  }

  /** Sends `call`, at the latest when the connection is open. @returns what to call when it is not wanted any more. */
  send(call: ClassicCall): Cancel {
    const { state } = this;
    if (state.kind === 'open') return state.caller.send(call);
    if (state.kind === 'closed') throw new Error('a closed connection was asked to carry a call');
    const entry = {
      stop: () => {
        state.waiting.delete(call);
        if (this.state === state) this.listener.onRoom();
      },
    };
    state.waiting.set(call, entry);
    return () => {
      entry.stop();
    };
  }

  /** Closes in order; for an open connection without calls. */
  finish(): void {
    if (this.state.kind === 'open') this.state.caller.finish();
  }

  /** Closes at once, also where it is closing already; its calls fail with `error`. */
  destroy(error: XtcpError): void {
    if (this.state.kind === 'connecting') this.abort(error);
    else this.state.caller?.destroy(error);
  }

  private opened(bytes: ByteStream): void {
    if (this.state.kind !== 'connecting') return;
    const { waiting } = this.state;
    const caller = new ClassicCaller(bytes, this.limits, this.clock, {
      onAnswer: () => {
        this.answers++;
        this.answeredAt = this.clock.now();
        this.listener.onAnswer();
      },
      onRoom: () => {
        this.listener.onRoom();
      },
      onClose: (ending) => {
        this.state = { kind: 'closed', caller };
        this.listener.onClose(ending);
      },
      onGone: () => {
        this.listener.onGone();
      },
    });
    this.state = { kind: 'open', caller };
    for (const [call, entry] of waiting) entry.stop = caller.send(call);
    this.listener.onOpen();
  }

  private abort(error: XtcpError): void {
    if (this.state.kind !== 'connecting') return;
    this.state.stopDial();
    this.failed(error, 'here');
  }

  private failed(error: XtcpError, ending: Ending): void {
    if (this.state.kind !== 'connecting') return;
    const { waiting } = this.state;
    this.state = { kind: 'closed', caller: undefined };
    this.listener.onClose(ending);
    this.listener.onGone();
    for (const call of waiting.keys()) call.onError(error);
  }
}
