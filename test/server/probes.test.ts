import { once } from 'node:events';
import { connect } from 'node:net';

import parsePrometheusTextFormat from 'parse-prometheus-text-format';
import { Counter, register, Registry } from 'prom-client';
import { firstValueFrom } from 'rxjs';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';

import { CHANNELS } from '../../src/observe/channels.js';
import { Happenings } from '../nest/support/deferred.js';
import { socketPath } from '../socket/streams.js';
import { RawPeer } from '../support/raw.js';
import { ask, curl, hasCurl, statusOf } from './probing.js';
import { logged, serving } from './serving.js';

const authenticate = (): string => 'anybody';

/** What a register of prom-client has beside its metrics outlives a test. */
afterEach(() => {
  register.clear();
});

describe('a server with probes', () => {
  test.each([
    ['/livez', 'alive\n'],
    ['/readyz', 'ready\n'],
    ['/readyz?verbose', 'ready\n'],
  ])('answers GET %s', async (path, text) => {
    const { port } = await serving({ probes: true });
    const answer = await ask({ port, path });
    expect(answer).toMatchObject({ status: 200, text });
    expect(answer.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-length': String(text.length),
      'cache-control': 'no-store',
      connection: 'close',
    });
  });

  test('is ready as the application says, and alive all the same', async () => {
    const { port, server } = await serving({ probes: true });
    server.health.set('NOT_SERVING', 'reports');
    expect(await statusOf(port, '/readyz')).toBe(200);
    server.health.set('NOT_SERVING');
    expect(await ask({ port, path: '/readyz' })).toMatchObject({ status: 503, text: 'not ready: not serving\n' });
    expect(await statusOf(port, '/livez')).toBe(200);
    server.health.set('SERVING');
    expect(await statusOf(port, '/readyz')).toBe(200);
  });

  test('answers HEAD with the same head, and no body', async () => {
    const { port } = await serving({ probes: true });
    const [head, got] = await Promise.all([
      ask({ port, path: '/livez', method: 'HEAD' }),
      ask({ port, path: '/livez' }),
    ]);
    expect([head.status, head.text]).toEqual([200, '']);
    expect(Object.keys(head.headers)).toEqual(Object.keys(got.headers));
    expect(head.headers['content-length']).toBe('6');
  });

  test('serves calls beside them', async () => {
    const { port, client } = await serving({ probes: true });
    const caller = client();
    expect(await firstValueFrom(caller.send('echo', 'x'))).toBe('x');
    expect(await statusOf(port, '/livez')).toBe(200);
    expect(await firstValueFrom(caller.send('echo', 'y'))).toBe('y');
    expect(await firstValueFrom(client({ protocol: 'classic' }).send('echo', 'z'))).toBe('z');
  });

  test.each(['/', '/health', '/livez/', '/LIVEZ', '//livez', '/__proto__', '/constructor'])(
    'has nothing at %s, and says what there is',
    async (path) => {
      const { port } = await serving({ probes: true });
      const answer = await ask({ port, path });
      expect(answer).toMatchObject({
        status: 404,
        text: 'not found; there is GET and HEAD of /livez, /readyz, /metrics\n',
      });
    },
  );

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE'])('does not take %s', async (method) => {
    const { port } = await serving({ probes: true });
    const answer = await ask({ port, path: '/livez', method });
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  });

  test('answers on a Unix domain socket', async () => {
    const path = await socketPath();
    await serving({ path, probes: true });
    expect(await ask({ socketPath: path, path: '/readyz' })).toMatchObject({ status: 200, text: 'ready\n' });
  });

  test('tells of no broken connection, and logs nothing, whatever is asked', async () => {
    const { port, raw } = await serving({ probes: true });
    const lines = logged();
    const broken = new Happenings<unknown>();
    const onBroken = (event: unknown): void => {
      broken.add(event);
    };
    CHANNELS.serverConnectionBreak.subscribe(onBroken);
    onTestFinished(() => {
      CHANNELS.serverConnectionBreak.unsubscribe(onBroken);
    });
    await statusOf(port, '/livez');
    await statusOf(port, '/none');
    const rude = await raw();
    rude.send('GARBAGE\r\n\r\n');
    await rude.takeAll();
    const hasty = await raw();
    hasty.send('GET /livez HT');
    hasty.socket.destroy();
    await hasty.untilClosed();
    await statusOf(port, '/livez');
    expect([lines.all, broken.all]).toEqual([[], []]);
  });

  test('counts probes among its connections', async () => {
    const { port, raw } = await serving({ probes: true, maxConnections: 1 });
    const peer = await raw();
    peer.send('GET /livez HTTP/1.1\r\n');
    const second = await RawPeer.dial(port);
    second.send('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await second.takeAll()).toContain('1 connections are open (maxConnections)');
    peer.send('Host: x\r\n\r\n');
    expect(await peer.takeAll()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    peer.socket.end();
    await expect.poll(() => statusOf(port, '/livez').catch(() => 'full')).toBe(200);
  });

  test('gives a client that says nothing at all its time, like any', async () => {
    const { raw } = await serving({ probes: true, handshakeTimeoutMs: 50 });
    const peer = await raw();
    expect(await peer.takeAll()).toContain('no first frame within 50 ms (handshakeTimeoutMs)');
  });
});

describe('a server without probes', () => {
  test.each([[{}], [{ probes: false }]])('takes a request of HTTP for what it is: no frame (%j)', async (options) => {
    const { raw } = await serving(options);
    const peer = await raw();
    peer.send('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await peer.takeAll()).toMatch(
      /^\d+\r\nXTCP Server: Malformed Client Request: expected a digit, the length of the first field, at byte 0\r\n/,
    );
  });
});

describe('/metrics', () => {
  test('has the default register of prom-client, with the calls that this server serves', async () => {
    const applications = new Counter({ name: 'orders_total', help: 'Orders' });
    const { port, client } = await serving({ probes: true });
    applications.inc(3);
    await firstValueFrom(client().send('echo', 'x'));
    const { status, headers, text } = await ask({ port, path: '/metrics' });
    expect([status, headers['content-type']]).toEqual([200, register.contentType]);
    const found = parsePrometheusTextFormat(text);
    expect(found.find(({ name }) => name === 'orders_total')?.metrics).toEqual([{ value: '3' }]);
    const durations = found.find(({ name }) => name === 'xtcp_server_call_duration_seconds');
    expect(durations).toMatchObject({ type: 'HISTOGRAM', metrics: [{ buckets: { '10': '1', '+Inf': '1' } }] });
    expect(text).toContain('xtcp_server_call_duration_seconds_count{pattern="echo",kind="call",code="OK"} 1\n');
  });

  test('counts once where a second server serves the same register', async () => {
    const first = await serving({ probes: true });
    const second = await serving({ probes: true });
    await firstValueFrom(first.client().send('echo', 'x'));
    await firstValueFrom(second.client().send('echo', 'x'));
    for (const { port } of [first, second]) {
      const { text } = await ask({ port, path: '/metrics' });
      expect(text).toContain('xtcp_server_call_duration_seconds_count{pattern="echo",kind="call",code="OK"} 2\n');
    }
  });

  test('has the register that is given, as it is', async () => {
    const own = new Registry();
    const gauge = new Counter({ name: 'own_total', help: 'Own', registers: [own] });
    gauge.inc();
    const { port } = await serving({ probes: { metrics: own } });
    expect((await ask({ port, path: '/metrics' })).text).toBe(await own.metrics());
    expect(await own.metrics()).not.toContain('xtcp_');
  });

  test('is not there where it is switched off', async () => {
    const { port } = await serving({ probes: { metrics: false } });
    expect(await ask({ port, path: '/metrics' })).toMatchObject({
      status: 404,
      text: 'not found; there is GET and HEAD of /livez, /readyz\n',
    });
    expect(await statusOf(port, '/livez')).toBe(200);
  });

  test('is not for strangers where clients are authenticated, unless that was allowed', async () => {
    const withheld = await serving({ probes: true, authenticate });
    const answer = await ask({ port: withheld.port, path: '/metrics' });
    expect(answer.status).toBe(403);
    expect(answer.text).toContain('probes: { metrics: true }');
    expect(await statusOf(withheld.port, '/readyz')).toBe(200);
    const allowed = await serving({ probes: { metrics: true }, authenticate });
    expect(await statusOf(allowed.port, '/metrics')).toBe(200);
  });

  test('that fail are 500, with the reason in the log alone', async () => {
    const failing = { contentType: 'text/plain', metrics: () => Promise.reject(new Error('no such database')) };
    const { port } = await serving({ probes: { metrics: failing } });
    const lines = logged();
    const answer = await ask({ port, path: '/metrics' });
    expect(answer).toMatchObject({
      status: 500,
      text: 'the metrics could not be gathered; the log of the server says why\n',
    });
    expect(lines.all).toEqual(['Error: no such database']);
    expect(await statusOf(port, '/livez')).toBe(200);
  });

  test('that never come are given up with their connection', async () => {
    const stuck = { contentType: 'text/plain', metrics: () => new Promise<string>(() => {}) };
    const { port } = await serving({ probes: { metrics: stuck }, handshakeTimeoutMs: 100 });
    await expect(ask({ port, path: '/metrics' })).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await statusOf(port, '/livez')).toBe(200);
  });
});

describe.skipIf(!hasCurl)('curl', () => {
  test('gets what there is, and fails where that is 503 or 404', async () => {
    const { port } = await serving({ probes: true });
    const url = `http://127.0.0.1:${port}`;
    expect(await curl('--fail', `${url}/livez`)).toMatchObject({ code: 0, stdout: 'alive\n', stderr: '' });
    expect((await curl('--head', `${url}/readyz`)).stdout).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect((await curl(`${url}/metrics`)).stdout).toContain('# TYPE xtcp_server_calls_in_flight gauge\n');
    expect(await curl('--fail', `${url}/nothing`)).toMatchObject({ code: 22, stdout: '' });
  });

  test('is answered over HTTP/1.0, behind an offer of HTTP/2, and for two paths, one by one', async () => {
    const { port } = await serving({ probes: true });
    const url = `http://127.0.0.1:${port}`;
    expect(await curl('--http1.0', `${url}/livez`)).toMatchObject({ code: 0, stdout: 'alive\n' });
    expect(await curl('--http2', `${url}/livez`)).toMatchObject({ code: 0, stdout: 'alive\n' });
    expect(await curl(`${url}/livez`, `${url}/readyz`)).toMatchObject({ code: 0, stdout: 'alive\nready\n' });
  });

  test('that sends a body is told that there is none, be it small, large or asked for first', async () => {
    const { port } = await serving({ probes: true });
    const url = `http://127.0.0.1:${port}/livez`;
    const post = (...args: string[]): Promise<{ stdout: string }> =>
      curl('--output', '/dev/null', '--write-out', '%{http_code}', ...args, url);
    expect((await post('--data', 'x=1')).stdout).toBe('405');
    expect((await post('--data', 'x'.repeat(60_000), '--header', 'Expect: 100-continue')).stdout).toBe('405');
    expect((await post('--data', 'x'.repeat(60_000), '--header', 'Expect:')).stdout).toBe('405');
  });

  test('gets a Unix domain socket, too', async () => {
    const path = await socketPath();
    await serving({ path, probes: true });
    expect(await curl('--unix-socket', path, 'http://upper/livez')).toMatchObject({ code: 0, stdout: 'alive\n' });
  });
});

test('a request whose client ends its output behind it is answered', async () => {
  const { port } = await serving({ probes: true });
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  const peer = new RawPeer(socket);
  socket.end('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
  expect(await peer.takeAll()).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.+\r\n)+\r\nalive\n$/);
});
