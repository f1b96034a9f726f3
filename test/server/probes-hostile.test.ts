import { firstValueFrom } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { statusOf } from './probing.js';
import { logged, serving, type Serving } from './serving.js';

const HINT = 'there is GET and HEAD of /livez, /readyz';
const REQUEST = 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n';

/** Without metrics, so that nothing but what comes over the network plays a part. */
const PROBES = { metrics: false };

/** What a client that sends `pieces`, each by itself, is answered until its connection ends. */
async function answerTo({ raw }: Serving, ...pieces: (string | Buffer)[]): Promise<string> {
  const peer = await raw();
  for (const piece of pieces) {
    peer.send(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return peer.takeAll();
}

/** Connections that a server has. */
function connectionsOf({ server }: Serving): Promise<number> {
  return new Promise((resolve, reject) => {
    server.unwrap().getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

function statusIn(answer: string): string | undefined {
  return /^HTTP\/1\.1 (\d+) /.exec(answer)?.[1];
}

describe('a server with probes answers', () => {
  test('a request that comes byte by byte', async () => {
    const service = await serving({ probes: PROBES });
    expect(statusIn(await answerTo(service, ...REQUEST.split('')))).toBe('200');
  });

  test('the first of several requests that come at once, and closes behind it', async () => {
    const service = await serving({ probes: PROBES });
    const answer = await answerTo(service, REQUEST + REQUEST.replace('livez', 'readyz') + REQUEST);
    expect(answer.startsWith('HTTP/1.1 200 OK\r\n')).toBe(true);
    expect(answer.split('alive\n')).toHaveLength(2);
    expect(answer).not.toContain('ready');
  });

  test('a frame behind a request with nothing: the connection is HTTP for good', async () => {
    const service = await serving({ probes: PROBES });
    const answer = await answerTo(service, `${REQUEST}4\r\necho\r\n1\r\nx\r\n\r\n`);
    expect(statusIn(answer)).toBe('200');
    expect(service.called.all).toEqual([]);
  });

  test('frames in the body of a request with nothing either', async () => {
    const service = await serving({ probes: PROBES });
    const frame = '4\r\necho\r\n1\r\nx\r\n\r\n';
    const head = `POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: ${frame.length}\r\n\r\n`;
    expect(statusIn(await answerTo(service, head, frame))).toBe('405');
    expect(service.called.all).toEqual([]);
  });

  test.each([
    ['garbage that begins with a letter', 'GARBAGE\r\n\r\n', '400', 'this is no request of HTTP/1.1'],
    ['what opens HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '400', 'this is no request of HTTP/1.1'],
    ['a request without a host', 'GET /livez HTTP/1.1\r\n\r\n', '400', undefined],
    ['letters without end', 'A'.repeat(20_000), '400', 'this is no request of HTTP/1.1'],
    [
      'a head that is too long',
      `GET /livez HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(10_000)}\r\n\r\n`,
      '431',
      'the head of the request is over 8192 bytes',
    ],
    ['a path that is too long', `GET /${'x'.repeat(10_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, '431', undefined],
    [
      'two lengths',
      'GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      '400',
      undefined,
    ],
    ['who takes it for a proxy', 'CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n', '405', 'this is no proxy'],
    [
      'an upgrade, which it leaves',
      `${REQUEST.trimEnd()}\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n`,
      '200',
      undefined,
    ],
  ])('%s', async (_what, sent, status, reason) => {
    const service = await serving({ probes: PROBES });
    const lines = logged();
    const answer = await answerTo(service, sent);
    expect(statusIn(answer)).toBe(status);
    expect(answer).toContain('Connection: close\r\n');
    expect(answer.endsWith(reason === undefined ? '' : `\r\n\r\n${reason}; ${HINT}\n`)).toBe(true);
    expect(lines.all).toEqual([]);
    expect(await firstValueFrom(service.client().send('echo', 'x'))).toBe('x');
  });

  test('a body that has no end with 413', async () => {
    const service = await serving({ probes: PROBES });
    const peer = await service.raw();
    peer.send('POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n');
    const piece = Buffer.alloc(10_000, 'x');
    for (let sent = 0; sent < 100_000; sent += piece.length) peer.send(piece);
    expect(statusIn(await peer.takeAll())).toBe('413');
  });
});

describe('a client that begins in lower case is malformed xtcp, as without probes', () => {
  test.each(['get /livez HTTP/1.1\r\n\r\n', ' GET /livez HTTP/1.1\r\n\r\n', '\r\nGET / HTTP/1.1\r\n\r\n'])(
    '%j',
    async (sent) => {
      const service = await serving({ probes: PROBES });
      expect(await answerTo(service, sent)).toContain('XTCP Server: Malformed Client Request: expected a digit');
    },
  );
});

describe('a client that is slow', () => {
  const limits = { probes: PROBES, handshakeTimeoutMs: 100 };

  test.each([
    ['with its first line', 'GET /li'],
    ['with its head', 'GET /livez HTTP/1.1\r\nHost: x\r\n'],
  ])('%s is told so and closed', async (_what, sent) => {
    const service = await serving(limits);
    const answer = await answerTo(service, sent);
    expect(statusIn(answer)).toBe('408');
    expect(answer).toContain('the request took too long; ');
  });

  test('with a byte now and then, too', async () => {
    const service = await serving(limits);
    const peer = await service.raw();
    peer.send('GET /livez HTTP/1.1\r\n');
    const trickle = setInterval(() => peer.send('X: y\r\n'), 5);
    expect(statusIn(await peer.takeAll())).toBe('408');
    clearInterval(trickle);
  });

  test('with its body is closed', async () => {
    const service = await serving(limits);
    const answer = await answerTo(service, 'GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab');
    expect(answer).toBe('');
  });

  test('has as much time as it likes to shake hands where the option is 0, but not for a probe', async () => {
    const service = await serving({ probes: PROBES, handshakeTimeoutMs: 0 });
    const peer = await service.raw();
    peer.send('G');
    expect(await statusOf(service.port, '/livez')).toBe(200);
    // The rest comes within the 10 s that a probe always has.
    peer.send(REQUEST.slice(1));
    expect(statusIn(await peer.takeAll())).toBe('200');
  });
});

test('a client that resets its connection behind a CONNECT ends nothing but that', async () => {
  const service = await serving({ probes: PROBES });
  const peer = await service.raw();
  peer.send('CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n');
  await peer.until(() => peer.bytes.includes('\n\r\nthis is no proxy'));
  peer.socket.resetAndDestroy();
  await expect.poll(() => connectionsOf(service)).toBe(0);
  expect(await statusOf(service.port, '/livez')).toBe(200);
});

test('many clients that leave in the middle of a request leave nothing behind', async () => {
  const service = await serving({ probes: PROBES });
  const peers = await Promise.all(Array.from({ length: 50 }, () => service.raw()));
  for (const [index, peer] of peers.entries()) {
    peer.send(REQUEST.slice(0, 1 + (index % REQUEST.length)));
    await new Promise((resolve) => setImmediate(resolve));
    if (index % 2 === 0) peer.socket.destroy();
    else peer.socket.resetAndDestroy();
  }
  await expect.poll(() => connectionsOf(service)).toBe(0);
  expect(await statusOf(service.port, '/livez')).toBe(200);
});
