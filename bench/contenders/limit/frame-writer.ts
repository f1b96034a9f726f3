import type { Socket } from 'node:net';

/** Bytes in front of each value: its length, and its call's id with the value's kind. */
export const HEAD_BYTES = 8;

/** What a value is, in the two lowest bits behind the id. */
export const KIND = { text: 0, json: 1, bytes: 2 } as const;

const BLOCK_BYTES = 64 * 1024;
/** From here on, a value goes out by itself rather than gathered with others. */
const LARGE_BYTES = 16 * 1024;
/** So that the peer has something to do before this side has done everything that it can in one tick. */
const FRAMES_PER_FLUSH = 16;

/** Values to frames, many of them to a write. */
export class FrameWriter {
  private block = Buffer.allocUnsafe(BLOCK_BYTES);
  private used = 0;
  private frames = 0;
  private isScheduled = false;

  constructor(private readonly socket: Socket) {}

  write(id: number, value: unknown): void {
    if (Buffer.isBuffer(value)) {
      this.writeAlone(id, KIND.bytes, value);
      return;
    }
    const isText = typeof value === 'string';
    const text = isText ? value : JSON.stringify(value);
    const kind = isText ? KIND.text : KIND.json;
    const bytes = Buffer.byteLength(text);
    if (bytes >= LARGE_BYTES) {
      this.writeAlone(id, kind, Buffer.from(text));
      return;
    }
    if (this.used + HEAD_BYTES + bytes > BLOCK_BYTES) this.flush();
    writeHead(this.block, this.used, bytes, id, kind);
    const at = this.used + HEAD_BYTES;
    this.block.write(text, at, bytes === text.length ? 'latin1' : 'utf8');
    this.used = at + bytes;
    if (++this.frames >= FRAMES_PER_FLUSH) this.flush();
    else this.schedule();
  }

  private writeAlone(id: number, kind: number, value: Buffer): void {
    this.flush();
    const head = Buffer.allocUnsafe(HEAD_BYTES);
    writeHead(head, 0, value.length, id, kind);
    this.socket.write(head);
    this.socket.write(value);
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.flush();
    });
  }

  private flush(): void {
    if (this.used === 0) return;
    this.socket.write(this.block.subarray(0, this.used));
    // What the system has not taken yet must stay as it is.
    if (this.socket.writableLength > 0) this.block = Buffer.allocUnsafe(BLOCK_BYTES);
    this.used = 0;
    this.frames = 0;
  }
}

function writeHead(target: Buffer, at: number, bytes: number, id: number, kind: number): void {
  target.writeUInt32BE(bytes, at);
  target.writeUInt32BE(id * 4 + kind, at + 4);
}
