import { frameOf, type FieldSpec } from '../../conformance/notation.js';
import { RawPeer } from '../../support/raw.js';
import { readFrame } from '../../conformance/notation.js';

/** A raw peer that speaks in frames, well or badly. */
export class SessionPeer {
  constructor(readonly raw: RawPeer) {}

  /** Connects to a server and says hello, whose answer it takes. */
  static async open(port: number, hello: object = {}): Promise<SessionPeer> {
    const peer = new SessionPeer(await RawPeer.dial(port));
    peer.send('xtcp', '1', JSON.stringify(hello));
    await peer.take();
    return peer;
  }

  send(...fields: FieldSpec[]): void {
    this.raw.send(frameOf(fields));
  }

  /** Sends many frames in one write. */
  sendAll(frames: readonly (readonly FieldSpec[])[]): void {
    this.raw.send(Buffer.concat(frames.map((fields) => frameOf(fields))));
  }

  /** Takes the next frame, its fields as text; undefined where the other side ends instead. */
  async take(): Promise<string[] | undefined> {
    let frame: ReturnType<typeof readFrame>;
    await this.raw.until(() => {
      frame = readFrame(Buffer.from(this.raw.bytes, 'latin1'));
      return frame !== undefined || this.raw.ended || this.raw.closed;
    });
    if (frame === undefined) return undefined;
    await this.raw.take(frame.size);
    return frame.fields.map((field) => field.toString());
  }

  /** Takes the next frame whose head begins with `start`, and skips those before it. */
  async takeHead(start: string): Promise<string[] | undefined> {
    for (;;) {
      const fields = await this.take();
      if (fields === undefined || fields[0]?.startsWith(start) === true) return fields;
    }
  }
}
