import { setTimeout } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import type { XtcpServerOptions } from '../../src/index.js';
import { RawPeer } from '../support/raw.js';
import { startService, type Service } from '../support/service.js';
import { frame, octets } from './frames.js';
import { ODD_METHOD, OldMethods } from './old-methods.js';

interface Served extends Service {
  readonly peer: RawPeer;
  /** The patterns whose handlers were called. */
  readonly called: readonly string[];
}

const REQUEST = frame('toupper', 'xiaoxiao');
const ANSWER = frame('XIAOXIAO');
const UNIMPLEMENTED = 'XTCP Server: UNIMPLEMENTED: There is no matching message handler defined in the remote service.';

async function serve(options: XtcpServerOptions = {}): Promise<Served> {
  const service = await startService([OldMethods], options);
  const { called } = service.app.get(OldMethods);
  return { ...service, called, peer: await RawPeer.dial(service.port) };
}

/** Waits for the bytes of `answer` and for nothing else. */
async function expectAnswer(peer: RawPeer, answer: string): Promise<void> {
  expect(await peer.take(answer.length)).toBe(answer);
}

/** Sends bytes in so many writes, each taken by the system before the next. */
async function sendOneByOne(peer: RawPeer, bytes: string): Promise<void> {
  peer.socket.setNoDelay();
  for (const byte of octets(bytes)) {
    await new Promise<void>((resolve) => {
      peer.socket.write(Buffer.of(byte), () => {
        resolve();
      });
    });
  }
}

/** Whether the connection is open and nothing came on it that was not taken: calls once more on it. */
async function isOpen(peer: RawPeer): Promise<boolean> {
  peer.send(REQUEST);
  const answer = await peer.take(ANSWER.length);
  return answer === ANSWER && peer.bytes === '' && !peer.ended;
}

describe('our server, asked in the bytes of xtcp 0.2', () => {
  it('answers a request and leaves the connection open', async () => {
    const { peer } = await serve();
    peer.send('7\r\ntoupper\r\n8\r\nxiaoxiao\r\n\r\n');
    await expectAnswer(peer, '8\r\nXIAOXIAO\r\n\r\n');
    expect(await isOpen(peer)).toBe(true);
  });

  it('answers both of two requests that come in one write, in order', async () => {
    const { peer, called } = await serve();
    peer.send(frame('toupper', 'one') + frame('info', 'two'));
    await expectAnswer(peer, frame('ONE') + frame('two'));
    expect(called).toEqual(['toupper', 'info']);
    expect(await isOpen(peer)).toBe(true);
  });

  it('answers a request that comes byte by byte', async () => {
    const { peer } = await serve();
    await sendOneByOne(peer, REQUEST);
    await expectAnswer(peer, ANSWER);
    expect(await isOpen(peer)).toBe(true);
  });

  it('counts lengths in bytes of UTF-8, both ways', async () => {
    const { peer } = await serve();
    peer.send('7\r\ntoupper\r\n6\r\n你好\r\n\r\n');
    expect(octets(await peer.take(13)).toString()).toBe('6\r\n你好\r\n\r\n');
    peer.send('7\r\ntoupper\r\n6\r\naéöx\r\n\r\n');
    expect(octets(await peer.take(13)).toString()).toBe('6\r\nAÉÖX\r\n\r\n');
  });

  it('takes empty params, and answers empty where the handler returns nothing', async () => {
    const { peer, called } = await serve();
    peer.send('4\r\nshow\r\n0\r\n\r\n\r\n');
    await expectAnswer(peer, '2\r\n""\r\n\r\n');
    peer.send('4\r\ninfo\r\n0\r\n\r\n\r\n7\r\nnothing\r\n0\r\n\r\n\r\n');
    await expectAnswer(peer, '0\r\n\r\n\r\n0\r\n\r\n\r\n');
    expect(called).toEqual(['show', 'info', 'nothing']);
    expect(await isOpen(peer)).toBe(true);
  });

  it.each(['\r\n', '\r\n\r\n', 'one\r\ntwo', '8\r\nxiaoxiao\r\n\r\n', '7\r\ntoupper\r\n0\r\n\r\n\r\n'])(
    'takes params with CRLF in them: %j',
    async (params) => {
      const { peer, called } = await serve();
      peer.send(frame('info', params));
      await expectAnswer(peer, frame(params));
      expect(called).toEqual(['info']);
      expect(await isOpen(peer)).toBe(true);
    },
  );

  it('answers with CRLF in the result where the handler returns it', async () => {
    const { peer } = await serve();
    peer.send(frame('crlf', 'x'));
    await expectAnswer(peer, '8\r\none\r\ntwo\r\n\r\n');
    expect(await isOpen(peer)).toBe(true);
  });

  it('answers an unknown method with one frame that says so, and leaves the connection open', async () => {
    const { peer, called } = await serve();
    peer.send(frame('nosuch', 'x') + REQUEST);
    await expectAnswer(peer, frame(UNIMPLEMENTED) + ANSWER);
    expect(called).toEqual(['toupper']);
    expect(await isOpen(peer)).toBe(true);
  });

  it('tells the error of a handler in one frame of one line, and leaves the connection open', async () => {
    const { peer } = await serve();
    peer.send(frame('fail', 'x'));
    await expectAnswer(peer, frame('XTCP Server: APPLICATION: {"status":"error","message":"bad name"}'));
    expect(await isOpen(peer)).toBe(true);
  });

  it('takes a method outside [0-9A-Za-z_.] as a pattern like any other', async () => {
    const { peer, called } = await serve();
    peer.send(octets(frame(ODD_METHOD, 'x') + frame('no such: 日本', 'x') + frame('', 'x')));
    await expectAnswer(peer, frame('x') + frame(UNIMPLEMENTED) + frame(UNIMPLEMENTED));
    expect(called).toEqual([ODD_METHOD]);
    expect(await isOpen(peer)).toBe(true);
  });

  it('answers a client that ends its output behind its requests, then closes', async () => {
    const { peer } = await serve();
    peer.socket.end(REQUEST + REQUEST);
    expect(await peer.takeAll()).toBe(ANSWER + ANSWER);
    await peer.untilClosed();
    expect(peer.error).toBeUndefined();
  });
});

describe('our server, sent what is no request of xtcp 0.2', () => {
  const malformed: readonly (readonly [what: string, bytes: string, wrong: string])[] = [
    [
      'the length of the method is too small',
      '6\r\ntoupper\r\n8\r\nxiaoxiao\r\n\r\n',
      'expected the CR behind a field; its length may be wrong, at byte 9',
    ],
    [
      'the length of the method is too large',
      '8\r\ntoupper\r\n8\r\nxiaoxiao\r\n\r\n',
      'expected the CR behind a field; its length may be wrong, at byte 11',
    ],
    [
      'the length of the params is too small',
      '7\r\ntoupper\r\n7\r\nxiaoxiao\r\n\r\n',
      'expected the CR behind a field; its length may be wrong, at byte 22',
    ],
    [
      'the length of the params is too large',
      '7\r\ntoupper\r\n9\r\nxiaoxiao\r\n\r\n',
      'expected the CR behind a field; its length may be wrong, at byte 24',
    ],
    [
      'the first length is not a number',
      'seven\r\ntoupper\r\n8\r\nxiaoxiao\r\n\r\n',
      'expected a digit, the length of the first field, at byte 0',
    ],
    [
      'the second length is not a number',
      '7\r\ntoupper\r\neight\r\nxiaoxiao\r\n\r\n',
      'expected a digit, the length of a further field, or the CR that ends the frame, at byte 12',
    ],
    [
      'a length has a letter behind its digits',
      '7a\r\ntoupper\r\n8\r\nxiaoxiao\r\n\r\n',
      'expected a further digit of a length or the CR behind it, at byte 1',
    ],
    [
      'a length is negative',
      '-7\r\ntoupper\r\n8\r\nxiaoxiao\r\n\r\n',
      'expected a digit, the length of the first field, at byte 0',
    ],
    [
      'a length has leading zeros',
      '007\r\ntoupper\r\n8\r\nxiaoxiao\r\n\r\n',
      'a length has no leading zeros, at byte 1',
    ],
    ['there are no fields', '\r\n', 'expected a digit, the length of the first field, at byte 0'],
    ['there is one field', '7\r\ntoupper\r\n\r\n', 'a request has two fields, method and params, not one'],
    [
      'there are three fields',
      '7\r\ntoupper\r\n8\r\nxiaoxiao\r\n1\r\nx\r\n\r\n',
      'expected the end of the frame, which may have 2 fields, at byte 25',
    ],
    [
      'it speaks another protocol',
      'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
      'expected a digit, the length of the first field, at byte 0',
    ],
  ];

  it.each(malformed)('calls no handler, says what is wrong and closes where %s', async (_, bytes, wrong) => {
    const { peer, called } = await serve();
    peer.send(bytes);
    expect(await peer.takeAll()).toBe(frame(`XTCP Server: Malformed Client Request: ${wrong}`));
    peer.socket.end();
    await peer.untilClosed();
    expect(peer.error).toBeUndefined();
    expect(called).toEqual([]);
  });

  it.each(malformed)('says the same where the bytes come one by one and %s', async (_, bytes, wrong) => {
    const { peer, called } = await serve();
    await sendOneByOne(peer, bytes);
    expect(await peer.takeAll()).toBe(frame(`XTCP Server: Malformed Client Request: ${wrong}`));
    expect(called).toEqual([]);
  });

  it('answers the requests before the malformed one, and runs none behind it', async () => {
    const { peer, called } = await serve();
    peer.send(`${REQUEST}seven\r\n${frame('info', 'x')}`);
    expect(await peer.takeAll()).toBe(
      ANSWER +
        frame('XTCP Server: Malformed Client Request: expected a digit, the length of the first field, at byte 0'),
    );
    expect(called).toEqual(['toupper']);
  });

  it('goes on serving others', async () => {
    const { peer, port } = await serve();
    const other = await RawPeer.dial(port);
    peer.send('what?');
    await peer.takeAll();
    expect(await isOpen(other)).toBe(true);
  });

  it.each([
    '7',
    '7\r\ntoup',
    '7\r\ntoupper\r\n',
    '7\r\ntoupper\r\n8\r\nxiaoxiao',
    '7\r\ntoupper\r\n8\r\nxiaoxiao\r\n\r',
  ])('says nothing to the part %j of a request until incompleteMessageTimeout, then why, and closes', async (part) => {
    const { peer, called } = await serve({ incompleteMessageTimeout: 60 });
    const start = performance.now();
    peer.send(part);
    expect(await peer.takeAll()).toBe(
      frame(
        'XTCP Server: DEADLINE_EXCEEDED: nothing came for 60 ms (incompleteMessageTimeout) in the middle of a frame',
      ),
    );
    // Timers may fire a millisecond early.
    expect(performance.now() - start).toBeGreaterThanOrEqual(59);
    peer.socket.end();
    await peer.untilClosed();
    expect(called).toEqual([]);
  });

  it('lets a client be silent between two requests', async () => {
    const { peer } = await serve({ incompleteMessageTimeout: 20 });
    expect(await isOpen(peer)).toBe(true);
    await setTimeout(60);
    expect(await isOpen(peer)).toBe(true);
  });

  it('says so where a client ends its output in the middle of a request', async () => {
    const { peer, called } = await serve();
    peer.socket.end('7\r\ntoupper\r\n8\r\nxiao');
    expect(await peer.takeAll()).toBe(
      frame('XTCP Server: Malformed Client Request: the input ended in the middle of a request'),
    );
    await peer.untilClosed();
    expect(called).toEqual([]);
  });
});
