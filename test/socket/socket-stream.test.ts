import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';

import { describe, expect, onTestFinished, test } from 'vitest';

import { RawPeer } from '../support/raw.js';
import { attach, framed, pair, socketPath } from './streams.js';

describe('writing', () => {
  test('keeps strings and octets in their order, within one write and from one to the next', async () => {
    const { attached, peer } = await pair();
    attached.stream.write(framed('a', 'b', Buffer.from('c'), 'd', new Uint8Array([0xff]), Buffer.from('f')));
    attached.stream.write(framed(Buffer.from('g')));
    attached.stream.write(framed('h', '小'));
    attached.stream.write(framed());
    attached.stream.write(framed('', Buffer.alloc(0), 'i'));

    expect(await peer.take(12)).toBe('abcd\xfffgh\xe5\xb0\x8fi');
  });

  test('gathers what is written within a turn, up to 16 writes', async () => {
    const { attached } = await pair();
    const { stream, socket } = attached;
    for (let count = 0; count < 15; count++) stream.write(framed('x'));
    expect(socket.bytesWritten).toBe(0);

    stream.write(framed('x'));
    expect(socket.bytesWritten).toBe(16);
    stream.write(framed('x'));
    expect(socket.bytesWritten).toBe(16);
    await setImmediate();
    expect(socket.bytesWritten).toBe(17);
  });

  test('keeps the order of a thousand writes within a turn', async () => {
    const { attached, peer } = await pair();
    let expected = '';
    for (let number = 0; number < 1000; number++) {
      const text = `${number},`;
      expected += text;
      attached.stream.write(framed(number % 3 === 0 ? Buffer.from(text) : text));
    }

    expect(await peer.take(expected.length)).toBe(expected);
  });

  test('over several turns keeps the order', async () => {
    const { attached, peer } = await pair();
    for (const text of ['a', 'b', 'c']) {
      attached.stream.write(framed(text));
      await setImmediate();
    }

    expect(await peer.take(3)).toBe('abc');
  });

  test('says when the other side does not keep up and when it does again, and loses nothing', async () => {
    const { attached, peer } = await pair();
    const { stream, told, until } = attached;
    const piece = Buffer.alloc(1024 * 1024, 'x');
    peer.socket.pause();
    let written = 0;
    while (stream.write(framed(piece))) {
      written++;
      await setImmediate();
    }
    written++;
    expect(told).toEqual([]);

    peer.socket.resume();
    await until(() => told.includes('drain'));
    expect(stream.write(framed('!'))).toBe(true);
    stream.end();
    const all = await peer.takeAll();
    expect(all.length).toBe(written * piece.length + 1);
    expect(all.endsWith('x!')).toBe(true);
  });

  test('behind the end or a destroy does nothing', async () => {
    const { attached, peer } = await pair();
    attached.stream.write(framed('a'));
    attached.stream.end();
    attached.stream.write(framed('b'));
    await setImmediate();
    attached.stream.destroy();
    attached.stream.write(framed('c'));
    attached.stream.end();
    await setImmediate();

    expect(await peer.takeAll()).toBe('a');
  });
});

describe('ending', () => {
  test('sends what was written before, and leaves the other direction open', async () => {
    const { attached, peer } = await pair();
    attached.stream.write(framed('bye', Buffer.from('!')));
    attached.stream.end();
    expect(await peer.takeAll()).toBe('bye!');

    peer.send('late');
    await attached.until(() => attached.received() === 'late');
    expect(attached.told).toEqual([]);
  });

  test('says whether everything is on its way, and when it is', async () => {
    const { attached, peer } = await pair();
    const { stream, told, until } = attached;
    const piece = Buffer.alloc(1024 * 1024, 'x');
    peer.socket.pause();
    while (stream.write(framed(piece))) await setImmediate();
    expect(stream.end()).toBe(false);
    await setImmediate();
    expect(told).toEqual([]);

    peer.socket.resume();
    await until(() => told.length > 0);
    expect(told).toEqual(['drain']);
  });

  test('says at once that everything is on its way where it is', async () => {
    const { attached, peer } = await pair();
    attached.stream.write(framed('bye'));
    expect(attached.stream.end()).toBe(true);

    expect(await peer.takeAll()).toBe('bye');
    expect(attached.told).toEqual([]);
  });

  test('on both sides closes the connection', async () => {
    const { attached, peer } = await pair();
    peer.socket.end('bye');
    await attached.until(() => attached.told.includes('end'));
    attached.stream.end();
    await attached.until(() => attached.told.length === 2);

    expect(attached.received()).toBe('bye');
    expect(attached.told).toEqual(['end', 'close without an error']);
  });

  test('by destroy is told as a close, and to the other side as an end', async () => {
    const { attached, peer } = await pair();
    attached.stream.destroy();
    await attached.until(() => attached.told.length > 0);
    await peer.takeAll();

    expect(attached.told).toEqual(['close without an error']);
    expect(peer.error).toBeUndefined();
  });

  test('is told last to whoever keeps the sockets, also where the socket was handed over', async () => {
    const closed: [Socket, string[]][] = [];
    const onClosed = (socket: Socket): void => {
      closed.push([socket, [...one.attached.told]]);
    };
    const one = await pair({ onClosed });
    one.attached.stream.destroy();
    await one.attached.until(() => closed.length > 0);
    expect(closed).toEqual([[one.attached.socket, ['close without an error']]]);

    const other = await pair({ onClosed });
    const socket = other.attached.stream.handOver(Buffer.from('a'));
    socket.destroy();
    await once(socket, 'close');
    expect([closed[1]?.[0], other.attached.told]).toEqual([socket, []]);
  });

  test('by reset is told to the other side as one', async () => {
    const { attached, peer } = await pair();
    attached.stream.reset();
    await peer.untilClosed();
    await attached.until(() => attached.told.length > 0);

    expect(peer.error?.code).toBe('ECONNRESET');
    expect(attached.told).toEqual(['close without an error']);
  });

  test('by a reset of the other side is told with the error', async () => {
    const { attached, peer } = await pair();
    peer.socket.resetAndDestroy();
    await attached.until(() => attached.told.length > 0);

    expect(attached.told).toEqual(['close ECONNRESET']);
  });

  test('by reset lets go of a Unix socket, which knows no reset', async () => {
    const path = await socketPath();
    const accepted: RawPeer[] = [];
    const server = createServer((socket) => {
      accepted.push(new RawPeer(socket));
    });
    onTestFinished(() => {
      server.close();
    });
    server.listen(path);
    await once(server, 'listening');
    const socket = connect({ path, allowHalfOpen: true });
    await Promise.all([once(socket, 'connect'), once(server, 'connection')]);
    const attached = attach(socket);

    attached.stream.reset();
    await attached.until(() => attached.told.length > 0);
    await accepted[0]?.untilClosed();
    expect(attached.told).toEqual(['close without an error']);
  });
});

describe('reading', () => {
  test('hands over what arrives, then the end', async () => {
    const { attached, peer } = await pair();
    peer.send('hello ');
    peer.send(Buffer.from([0xff]));
    peer.socket.end();
    await attached.until(() => attached.told.length > 0);

    expect(attached.received()).toBe('hello \xff');
    expect(attached.told).toEqual(['end']);
  });

  test('hands over nothing while paused', async () => {
    const { attached, peer } = await pair();
    attached.stream.pause();
    await new Promise((resolve) => peer.socket.write('hello', resolve));
    for (let turn = 0; turn < 10; turn++) await setImmediate();
    expect(attached.received()).toBe('');

    attached.stream.resume();
    await attached.until(() => attached.received() === 'hello');
    expect(attached.told).toEqual([]);
  });
});
