import { expect, test } from 'vitest';

import { serviceOfTest, type ServiceProcess } from '../nest-sessions/support/child.js';
import { SessionPeer } from '../faults/support/session-peer.js';
import { mostBytes } from './memory-bound.js';

const KIB = 1024;
const MIB = 1024 * KIB;
/** A frame may have that many bytes; the rest is for its head and pattern. */
const FRAME = 64 * KIB;
const PAYLOAD = FRAME - 1024;
const WINDOW = 64 * KIB;
const AHEAD = 256 * KIB;
const SEND_BUFFER = 16 * MIB;
const OPTIONS = {
  maxFrameBytes: FRAME,
  windowBytes: WINDOW,
  maxAheadBytes: AHEAD,
  maxSendBufferSize: SEND_BUFFER,
  maxCalls: 100,
};
const TIMEOUT_MS = 60_000;

interface Attack {
  readonly service: ServiceProcess;
  readonly peer: SessionPeer;
  /** Bytes that the service holds beyond those before the peer came. */
  readonly grown: () => Promise<number>;
}

async function attack(hello: object): Promise<Attack> {
  const service = await serviceOfTest('streams', { options: OPTIONS });
  const warm = await SessionPeer.open(service.port);
  warm.send('Qj1', 'ping', '1');
  await warm.take();
  warm.raw.socket.destroy();
  const before = await service.memory();
  const peer = await SessionPeer.open(service.port, hello);
  return { service, peer, grown: async () => (await service.memory()).held - before.held };
}

/** Waits until the service has taken all that was sent to it. */
async function untilTaken(peer: SessionPeer): Promise<void> {
  peer.send('P1');
  expect((await peer.takeHead('R'))?.[0]).toBe('R1');
}

/** Opens a call that takes one item, and no further one. */
function openUnread(peer: SessionPeer, id: number, codec: string, payload: string): void {
  peer.send(`O${codec}${id}`, 'slow reader', payload);
  peer.send(`Nb${id}`, '\0\0\0\0');
}

/** JSON of which each byte becomes as many as it can. */
function dearJson(bytes: number): string {
  const levels = Math.floor((bytes - 1) / '{"34":}'.length);
  return '{"34":'.repeat(levels) + '0' + '}'.repeat(levels);
}

test(
  'a peer that takes whatever it may, and reads nothing, costs no more than docs/reliability.md states',
  async () => {
    const { service, peer, grown } = await attack({ name: 'x'.repeat(PAYLOAD), maxFrame: 2 * MIB });
    let id = 0;
    // Calls that are held open, with full frames; half of them with two full items behind, half with small ones.
    for (; id < 40;) {
      openUnread(peer, ++id, 'b', 'x'.repeat(PAYLOAD));
      for (let item = 0; item < 2; item++) peer.send(`Nb${id}`, { fill: 'x', length: PAYLOAD });
    }
    const small = Math.floor(WINDOW / 32) - 2;
    for (; id < 80;) {
      openUnread(peer, ++id, 't', 'ä'.repeat(PAYLOAD / 2));
      const call = id;
      peer.sendAll(Array.from({ length: small }, () => [`N-${call}`, '']));
    }
    await untilTaken(peer);
    // Then streams that run ahead, answers that nobody reads, and a frame that does not end.
    peer.raw.socket.pause();
    for (; id < 90;) peer.send(`Qj${++id}`, 'flood', JSON.stringify({ name: 'ahead', items: 40, bytes: 8000 }));
    for (; id < 100;) peer.send(`Qj${++id}`, 'chunks', JSON.stringify({ name: 'unread', items: 9, bytes: MIB }));
    peer.raw.send(`${PAYLOAD}\r\n${'x'.repeat(PAYLOAD - 1)}`);
    await expect.poll(() => service.count('ahead'), { timeout: 10_000 }).toBe(10 * 40);
    await expect.poll(() => service.count('unread'), { timeout: 10_000 }).toBe(10);

    const held = await grown();
    const most = mostBytes({ ...OPTIONS, calls: 100, decoded: 'octets', answerBytes: MIB });
    expect(held).toBeLessThan(most);
    // What the calls hold alone: the peer did take it.
    expect(held).toBeGreaterThan(40 * 3 * PAYLOAD + 40 * small * 128 + 10 * 30 * 8000);
    expect(peer.raw.closed).toBe(false);
  },
  TIMEOUT_MS,
);

test(
  'JSON that grows as much as JSON can becomes no more than docs/reliability.md states',
  async () => {
    const { peer, grown } = await attack({});
    const calls = 10;
    const json = dearJson(PAYLOAD);
    for (let id = 1; id <= calls; id++) {
      openUnread(peer, id, 'j', json);
      for (let item = 0; item < 2; item++) peer.send(`Nj${id}`, json);
    }
    await untilTaken(peer);

    const held = await grown();
    const most = mostBytes({ ...OPTIONS, maxSendBufferSize: 0, calls, decoded: 'json', answerBytes: 0 });
    expect(held).toBeLessThan(most);
    expect(held).toBeGreaterThan(most / 2);
  },
  TIMEOUT_MS,
);

/** MessagePack of which each byte becomes as many as it can: maps with one number for their key. */
function dearMessagePack(bytes: number): Buffer {
  const map = Buffer.from([0x81, 1, 0x80]);
  const head = Buffer.from([0xdd, 0, 0, 0, 0]);
  const maps = Math.floor((bytes - head.length) / map.length);
  head.writeUInt32BE(maps, 1);
  return Buffer.concat([head, ...Array.from({ length: maps }, () => map)]);
}

/** A small value of MessagePack that becomes 12 KB: a map with a number up to which V8 keeps arrays. */
const SMALL_BUT_DEAR = Buffer.from([0x81, 0xcd, 3, 255, 0]);

test(
  'MessagePack that grows as much as it can becomes no more than docs/reliability.md states',
  async () => {
    const { peer, grown } = await attack({ codecs: ['m'] });
    peer.send('Om1', 'slow reader', { hex: dearMessagePack(PAYLOAD).toString('hex') });
    peer.send('Nb1', '\0\0\0\0');
    const items = Math.floor(WINDOW / (SMALL_BUT_DEAR.length + 32)) - 1;
    for (let item = 0; item < items; item++) peer.send('Nm1', { hex: SMALL_BUT_DEAR.toString('hex') });
    await untilTaken(peer);

    const held = await grown();
    const most = mostBytes({ ...OPTIONS, maxSendBufferSize: 0, calls: 1, decoded: 'msgpack', answerBytes: 0 });
    expect(held).toBeLessThan(most);
    expect(held).toBeGreaterThan(most / 2);
  },
  TIMEOUT_MS,
);

test(
  'the smallest frames that wait to be sent cost no more than docs/reliability.md states',
  async () => {
    const { service, peer, grown } = await attack({ window: Number.MAX_SAFE_INTEGER });
    peer.raw.socket.pause();
    // Some 14 MiB of frames, of which the operating system takes a part.
    peer.send('Qj1', 'observable', '600000');
    // The other one was to warm up.
    await expect.poll(() => service.count('interceptor completed'), { timeout: 10_000 }).toBe(2);

    const held = await grown();
    expect(held).toBeLessThan(mostBytes({ ...OPTIONS, calls: 1, decoded: 'octets', answerBytes: 0 }));
    expect(held).toBeGreaterThan(SEND_BUFFER);
    expect(peer.raw.closed).toBe(false);
  },
  TIMEOUT_MS,
);
