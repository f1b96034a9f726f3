import { setImmediate } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { framed, pair, type Attached } from './streams.js';

const PIECE = Buffer.alloc(1024 * 1024, 'x');

/** Writes until the other side, which does not read, does not keep up. @returns how many pieces */
async function fill({ stream }: Attached): Promise<number> {
  let pieces = 1;
  while (stream.write(framed(PIECE))) {
    pieces++;
    await setImmediate();
  }
  return pieces;
}

test('more waiting than may wait closes the connection, with the reason', async () => {
  const { attached, peer } = await pair({ maxSendBufferSize: 3 * PIECE.length });
  const { stream, told, until } = attached;
  peer.socket.pause();
  while (stream.pendingBytes <= 3 * PIECE.length && told.length === 0) {
    stream.write(framed(PIECE));
    await setImmediate();
  }
  await until(() => told.length > 0);
  expect([told, stream.pendingBytes]).toEqual([['close RESOURCE_EXHAUSTED'], 0]);
});

test('as much waiting as may wait closes nothing', async () => {
  const { attached, peer } = await pair({ maxSendBufferSize: 2 * PIECE.length });
  peer.socket.pause();
  await fill(attached);
  await setImmediate();
  expect(attached.told).toEqual([]);
  peer.socket.resume();
  await attached.until(() => attached.told.length > 0);
  expect(attached.told).toEqual(['drain']);
});

test('a peer that takes nothing in time is let go of: UNAVAILABLE', async () => {
  const { attached, peer } = await pair({ writeTimeoutMs: 50 });
  peer.socket.pause();
  await fill(attached);
  await attached.until(() => attached.told.length > 0);
  expect(attached.told).toEqual(['close UNAVAILABLE']);
});

test('one that takes nothing of what is written before the end is, too', async () => {
  const { attached, peer } = await pair({ writeTimeoutMs: 50 });
  peer.socket.pause();
  await fill(attached);
  expect(attached.stream.end()).toBe(false);
  await attached.until(() => attached.told.length > 0);
  expect(attached.told).toEqual(['close UNAVAILABLE']);
});

test('time counts only while something waits', async () => {
  const { attached, peer } = await pair({ writeTimeoutMs: 60_000 });
  const { stream, socket, told, until } = attached;
  stream.write(framed('a'));
  await setImmediate();
  expect(socket.timeout ?? 0).toBe(0);
  peer.socket.pause();
  await fill(attached);
  expect(socket.timeout).toBe(60_000);
  peer.socket.resume();
  await until(() => told.length > 0);
  expect([told, socket.timeout]).toEqual([['drain'], 0]);
});

test('what has begun to leave is told from what waits', async () => {
  const { attached, peer } = await pair();
  const { stream, told, until } = attached;
  expect([stream.writesBegun, stream.pendingBytes]).toEqual([0, 0]);
  stream.write(framed('a', Buffer.from('bc')));
  stream.write(framed('d'));
  expect([stream.writesBegun, stream.pendingBytes]).toEqual([0, 4]);
  await setImmediate();
  expect([stream.writesBegun, stream.pendingBytes]).toEqual([2, 0]);

  peer.socket.pause();
  const pieces = await fill(attached);
  const waiting = stream.pendingBytes;
  expect(stream.writesBegun).toBe(2 + pieces);
  stream.write(framed('e'));
  stream.write(framed('f'));
  await setImmediate();
  expect([stream.writesBegun, stream.pendingBytes]).toEqual([2 + pieces, waiting + 2]);

  peer.socket.resume();
  await until(() => told.length > 0);
  expect([stream.writesBegun, stream.pendingBytes]).toEqual([2 + pieces + 2, 0]);
});

test('what never began to leave when the connection goes has not begun behind that, either', async () => {
  const { attached, peer } = await pair();
  const { stream, told, until } = attached;
  peer.socket.pause();
  const pieces = await fill(attached);
  stream.write(framed('never'));
  stream.destroy();
  await until(() => told.length > 0);
  stream.write(framed('never'));
  await setImmediate();
  expect(stream.writesBegun).toBe(pieces);
});

test('the order is kept while writes wait, and behind them comes the end', async () => {
  const { attached, peer } = await pair();
  const { stream } = attached;
  peer.socket.pause();
  const pieces = await fill(attached);
  let expected = '';
  for (let number = 0; number < 1000; number++) {
    const text = `${number},`;
    expected += text;
    stream.write(framed(number % 3 === 0 ? Buffer.from(text) : text));
    if (number % 100 === 0) await setImmediate();
  }
  expect(stream.end()).toBe(false);
  peer.socket.resume();
  const all = await peer.takeAll();
  expect(all.length).toBe(pieces * PIECE.length + expected.length);
  expect(all.endsWith(`x${expected}`)).toBe(true);
});
