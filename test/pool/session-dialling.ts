import { XtcpError } from '../../src/errors/xtcp-error.js';
import type { Dial } from '../../src/pool/connection.js';
import { framesIn, frameOf } from '../session/session-play.js';
import { MemoryStream } from '../support/memory-stream.js';

/** One dial, and the connection that came of it; the test is the server. */
export class Dialled {
  readonly stream = new MemoryStream();
  cancelled = false;

  constructor(
    private readonly onOpen: (stream: MemoryStream) => void,
    private readonly onFailed: (error: XtcpError) => void,
  ) {}

  /** The connection stands. */
  open(): void {
    this.onOpen(this.stream);
  }

  /** The connection stands, and the server says hello, with what it says of itself. */
  accept(members: object = {}): this {
    this.open();
    this.stream.take();
    this.send('xtcp', '1', JSON.stringify(members));
    return this;
  }

  fail(): void {
    this.onFailed(new XtcpError('UNAVAILABLE', 'nothing listens there', { executed: false }));
  }

  send(...fields: readonly string[]): void {
    this.stream.receive(frameOf(...fields));
  }

  frames(): string[][] {
    return framesIn(this.stream.take());
  }

  heads(): string[] {
    return this.frames().map((fields) => fields[0] ?? '');
  }
}

/** What is dialled goes to the test. */
export function dialling(): {
  readonly dials: Dialled[];
  readonly dial: Dial;
  readonly at: (index: number) => Dialled;
} {
  const dials: Dialled[] = [];
  const dial: Dial = (onOpen, onFailed) => {
    const dialled = new Dialled(onOpen, onFailed);
    dials.push(dialled);
    return () => {
      dialled.cancelled = true;
    };
  };
  const at = (index: number): Dialled => {
    const dialled = dials[index];
    if (dialled === undefined) throw new Error(`there were only ${dials.length} dials`);
    return dialled;
  };
  return { dials, dial, at };
}
