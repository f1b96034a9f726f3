import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';

import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { expect, onTestFinished, test, vi } from 'vitest';

import { RawPeer } from '../support/raw.js';
import { startService, type Service } from '../support/service.js';
import { acceptedBy } from './support/accepted.js';
import { requestBytes } from './support/classic.js';

/** More than the two sockets hold between them, so that the answer has to wait for its reader. */
const SIZE = 8 * 1024 * 1024;
const FRAME_SIZE = `${SIZE}\r\n`.length + SIZE + 4;

/** Longer than the server lingers behind its last frame, and far less than it grants the calls that run. */
const PAUSE_MS = 5000;

@Controller()
class LargeController {
  @MessagePattern('large')
  large(@Payload() _data: string): Buffer {
    return Buffer.alloc(SIZE, 'x');
  }
}

/** A service whose time the test moves, and a connection to it of which the test has both sides. */
async function start(): Promise<Service & { peer: RawPeer; socket: Socket }> {
  const service = await startService([LargeController], { gracePeriodMs: 10 * PAUSE_MS });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const accepted = acceptedBy(service.server);
  const peer = await RawPeer.dial(service.port);
  const [socket] = await accepted.count(1);
  return { ...service, peer, socket: socket! };
}

/** Reads nothing until the answer waits for that, and for a time behind it; then all that comes. */
async function readLate(peer: RawPeer, socket: Socket): Promise<Buffer> {
  while (socket.writableLength === 0) await setImmediate();
  vi.advanceTimersByTime(PAUSE_MS);
  const pieces: Buffer[] = [];
  peer.socket.removeAllListeners('data');
  peer.socket.on('data', (piece) => pieces.push(piece));
  peer.socket.resume();
  await peer.until(() => peer.ended || peer.closed);
  return Buffer.concat(pieces);
}

test('a client that reads late gets the whole of its answer while the server closes', async () => {
  const { server, peer, socket } = await start();
  const arrived = new Promise((resolve) => socket.once('data', resolve));
  peer.socket.pause();
  peer.send(requestBytes('large', ''));
  await arrived;

  const closed = server.close();

  expect(await readLate(peer, socket)).toHaveLength(FRAME_SIZE);
  peer.socket.end();
  await closed;
});

test('a client that reads late gets the whole of its answer, and the refusal of what it sent behind it', async () => {
  const { peer, socket } = await start();
  peer.socket.pause();
  peer.send(Buffer.concat([requestBytes('large', ''), Buffer.from('x')]));

  const all = await readLate(peer, socket);

  expect(all.subarray(FRAME_SIZE).toString()).toMatch(/XTCP Server: Malformed Client Request: .*\r\n\r\n$/);
});
