import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

import { SocketStream, type SocketStreamOptions } from '../../src/socket/socket-stream.js';
import type { EncodedFrame } from '../../src/wire/encoder.js';
import { rawServer, type RawPeer } from '../support/raw.js';

export interface Attached {
  readonly stream: SocketStream;
  readonly socket: Socket;
  /** What the stream told but for its data, in order: `end`, `drain`, `close <code>`. */
  readonly told: string[];
  /** What has arrived, as latin1 text. */
  readonly received: () => string;
  /** Waits until `holds`; looked at whenever the stream tells something. */
  readonly until: (holds: () => boolean) => Promise<void>;
}

/** A stream over `socket`, which is destroyed when the test ends. */
export function attach(socket: Socket, limits: Partial<SocketStreamOptions> = {}): Attached {
  const told: string[] = [];
  const waiting = new Set<() => void>();
  let received = '';
  const changed = (): void => {
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  const stream = new SocketStream(socket, { maxSendBufferSize: 2 ** 30, writeTimeoutMs: 0, ...limits });
  stream.attach({
    onData: (piece) => {
      received += piece.toString('latin1');
      changed();
    },
    onEnd: () => {
      told.push('end');
      changed();
    },
    onDrain: () => {
      told.push('drain');
      changed();
    },
    onClose: (error) => {
      told.push(`close ${(error as { code?: string } | undefined)?.code ?? 'without an error'}`);
      changed();
    },
  });
  onTestFinished(() => {
    socket.destroy();
  });
  return {
    stream,
    socket,
    told,
    received: () => received,
    until: async (holds) => {
      while (!holds()) await new Promise<void>((resolve) => waiting.add(resolve));
    },
  };
}

/** A stream and the raw peer at its other end. */
export async function pair(limits?: Partial<SocketStreamOptions>): Promise<{ attached: Attached; peer: RawPeer }> {
  const accepted: ((peer: RawPeer) => void)[] = [];
  const peer = new Promise<RawPeer>((resolve) => accepted.push(resolve));
  const { port } = await rawServer((one) => {
    for (const resolve of accepted) resolve(one);
  });
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  return { attached: attach(socket, limits), peer: await peer };
}

/** A path for a Unix socket, in a directory that is removed when the test ends. */
export async function socketPath(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'xtcp-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  return join(directory, 'x.sock');
}

/** Pieces as those of one frame. */
export function framed(...pieces: (string | Uint8Array)[]): EncodedFrame {
  const bytes = pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
  return { pieces, bytes, fieldBytes: bytes, lent: undefined };
}
