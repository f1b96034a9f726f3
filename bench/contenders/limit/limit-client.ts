import { once } from 'node:events';
import { Socket } from 'node:net';

import type { BenchClient } from '../contender.js';
import { FrameReader } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';

/** A client that does nothing but keep a promise for each call: no Observable, no errors, no timeouts. */
export class LimitClient implements BenchClient {
  private readonly socket = new Socket();
  private readonly writer = new FrameWriter(this.socket);
  private readonly resolves: ((value: unknown) => void)[] = [];
  private readonly freeIds: number[] = [];

  constructor(private readonly port: number) {
    const reader = new FrameReader((id, value) => {
      const resolve = this.resolves[id]!;
      this.freeIds.push(id);
      resolve(value);
    });
    this.socket.on('data', (chunk) => {
      reader.push(chunk);
    });
  }

  async connect(): Promise<void> {
    this.socket.connect({ port: this.port, host: '127.0.0.1', noDelay: true });
    await once(this.socket, 'connect');
  }

  async close(): Promise<void> {
    this.socket.destroy();
  }

  call(value: unknown): Promise<unknown> {
    return new Promise((resolve) => {
      const id = this.freeIds.pop() ?? this.resolves.length;
      this.resolves[id] = resolve;
      this.writer.write(id, value);
    });
  }
}
