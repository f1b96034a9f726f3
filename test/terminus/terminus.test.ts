import { once } from 'node:events';

import { ClientProxyFactory, Transport } from '@nestjs/microservices';
import { HealthIndicatorService } from '@nestjs/terminus';
import { filter, firstValueFrom } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { XtcpClient, XtcpException } from '../../src/index.js';
import { XtcpHealthIndicator, type XtcpPingCheckOptions } from '../../src/terminus/index.js';
import { hasPython, oldServer } from '../legacy/python.js';
import { answerBytes, takeRequest } from '../nest/support/classic.js';
import { deafPort } from '../nest/support/deaf-port.js';
import { xtcpFailureOf } from '../nest/support/failures.js';
import { serving } from '../server/serving.js';
import { frameOf } from '../session/session-play.js';
import { rawServer } from '../support/raw.js';
import { httpApplication } from './application.js';

/** Longer than anything takes here that is not meant to hang. */
const LONG = { timeout: 9000 };
/** For what hangs. */
const SHORT = { timeout: 100 };

/** A server of xtcp 0.2 that has one answer. */
async function answering(answer: string): Promise<number> {
  const { port } = await rawServer((peer) => {
    void takeRequest(peer).then(() => {
      peer.socket.end(answerBytes(answer));
    });
  });
  return port;
}

describe('GET /health', () => {
  test('is 200 while the server serves, and 503 where its application says that it does not', async () => {
    const { server, port } = await serving();
    const { health } = await httpApplication({ port }, LONG);
    expect(await health()).toMatchObject({
      http: 200,
      status: 'ok',
      upper: { status: 'up', servingStatus: 'SERVING' },
    });
    server.health.set('NOT_SERVING');
    expect(await health()).toMatchObject({
      http: 503,
      status: 'error',
      upper: { status: 'down', servingStatus: 'NOT_SERVING' },
    });
    server.health.set('SERVING');
    expect(await health()).toMatchObject({ http: 200, status: 'ok' });
  });

  test('goes by the service that it asks for', async () => {
    const { server, port } = await serving();
    const { health } = await httpApplication({ port }, { ...LONG, service: 'reports' });
    expect(await health()).toMatchObject({ http: 503, upper: { status: 'down', servingStatus: 'UNKNOWN' } });
    server.health.set('SERVING', 'reports');
    server.health.set('NOT_SERVING');
    expect(await health()).toMatchObject({ http: 200, upper: { status: 'up', servingStatus: 'SERVING' } });
  });

  test('is 503 where the server drains, which it says on the connection that it has', async () => {
    const { server, port } = await serving({ gracePeriodMs: 60_000 });
    let drains = false;
    const { health, client } = await httpApplication({ port }, LONG, () => {
      // So that the check is on its way before the client has heard that it shall go elsewhere.
      if (drains) void server.drain();
    });
    expect(await health()).toMatchObject({ http: 200 });
    drains = true;
    expect(await health()).toMatchObject({
      http: 503,
      status: 'error',
      upper: { status: 'down', servingStatus: 'DRAINING' },
    });
    await client.close();
    await server.close();
  });

  test('is 503 while the server drains and the client has been asked to go elsewhere, and calls still run there', async () => {
    const { server, port, called, open } = await serving({ gracePeriodMs: 60_000 });
    const { health, client } = await httpApplication({ port }, SHORT);
    const running = firstValueFrom(client.send('wait', 'x'));
    await called.count(1);
    const [socket] = client.unwrap();
    const goingAway = once(socket!, 'data');
    const drained = server.drain();
    await goingAway;
    expect(await health()).toMatchObject({ http: 503, upper: { status: 'down', code: 'UNAVAILABLE' } });
    open();
    expect(await running).toBe('x');
    await drained;
  });

  test('is 503 where the server is gone, without a word of where it was, and 200 when there is one again', async () => {
    const { app, port } = await serving();
    const { health, client } = await httpApplication({ port }, LONG);
    expect(await health()).toMatchObject({ http: 200 });
    await app.close();
    const gone = await httpApplication({ port }, SHORT);
    const down = await gone.health();
    expect(down).toMatchObject({ http: 503, status: 'error', upper: { status: 'down', code: 'UNAVAILABLE' } });
    expect(down.text).not.toMatch(new RegExp(`127\\.0\\.0\\.1|${port}|message|stack`));

    await serving({ port });
    await firstValueFrom(client.status.pipe(filter((status) => status === 'connected')));
    expect(await health()).toMatchObject({ http: 200, upper: { status: 'up', servingStatus: 'SERVING' } });
  });

  test.each(['auto', 'session', 'classic'] as const)(
    'is 503, in time, where the server accepts and never answers: %s',
    async (protocol) => {
      const { port } = await rawServer(() => {});
      const { health } = await httpApplication({ port, protocol }, SHORT);
      expect(await health()).toMatchObject({ http: 503, upper: { status: 'down', code: 'DEADLINE_EXCEEDED' } });
    },
  );

  test('is 503, in time, where the server answers no call any more, on a connection that stands', async () => {
    const { port } = await rawServer((peer) => {
      peer.send(frameOf('xtcp', '1', '{}'));
    });
    const { health, client } = await httpApplication({ port }, SHORT);
    await client.connect();
    expect(await health()).toMatchObject({ http: 503, upper: { status: 'down', code: 'DEADLINE_EXCEEDED' } });
  });

  test('is 503, in time, where connecting hangs', async () => {
    const { health } = await httpApplication({ port: await deafPort() }, SHORT);
    expect(await health()).toMatchObject({ http: 503, upper: { status: 'down', code: 'DEADLINE_EXCEEDED' } });
  });

  test('is 503 where the server turns the client away, whose own words stay inside', async () => {
    const { port } = await serving({
      authenticate: () => {
        throw new XtcpException('UNAUTHENTICATED', 'bad token of tenant blue');
      },
    });
    const { health } = await httpApplication({ port }, LONG);
    const result = await health();
    expect(result).toMatchObject({ http: 503, upper: { status: 'down', code: 'UNAUTHENTICATED' } });
    expect(result.text).not.toContain('blue');
  });

  test('is 200 where the server runs as many calls as it may', async () => {
    const { port, client, called, open } = await serving({ maxServerCalls: 1 });
    const running = firstValueFrom(client().send('wait', 'x'));
    await called.count(1);
    const { health } = await httpApplication({ port }, LONG);
    expect(await health()).toMatchObject({ http: 200 });
    open();
    await running;
  });
});

describe('a client that speaks classic', () => {
  test.each(['text', 'json', 'bytes'] as const)(
    'is told the same, whatever it reads answers as: %s',
    async (payload) => {
      const { server, port } = await serving();
      const { health } = await httpApplication({ port, protocol: 'classic', payload }, LONG);
      expect(await health()).toMatchObject({ http: 200, upper: { status: 'up', servingStatus: 'SERVING' } });
      server.health.set('NOT_SERVING');
      expect(await health()).toMatchObject({ http: 503, upper: { status: 'down', servingStatus: 'NOT_SERVING' } });
    },
  );
});

describe('a server that has no xtcp.health', () => {
  const UNIMPLEMENTED =
    'XTCP Server: UNIMPLEMENTED: There is no matching message handler defined in the remote service.';
  const answers: [string, string][] = [
    ['an error that says so', UNIMPLEMENTED],
    ['a traceback', `Traceback (most recent call last):\n  File "xtcp.py", line 1\nKeyError: 'xtcp.health'\n`],
    ['something else', 'XTCP.HEALTH'],
    ['JSON of something else', '{"status":"fine"}'],
    ['nothing', ''],
  ];

  test.each(answers)('and answers %s is down, and its answer stays inside', async (_what, answer) => {
    const { health } = await httpApplication({ port: await answering(answer), protocol: 'classic' }, LONG);
    const result = await health();
    expect(result).toMatchObject({ http: 503, status: 'error' });
    expect(result.upper).toEqual({ status: 'down', code: 'UNIMPLEMENTED' });
  });

  test.each([
    ['degraded', 200, 'degraded'],
    ['up', 200, 'ok'],
    ['down', 503, 'error'],
  ] as const)('is %s where that was asked for', async (unimplemented, http, status) => {
    const port = await answering(UNIMPLEMENTED);
    const { health } = await httpApplication({ port, protocol: 'classic' }, { ...LONG, unimplemented });
    expect(await health()).toMatchObject({ http, status, upper: { status: unimplemented, code: 'UNIMPLEMENTED' } });
  });

  test('is not what another failure counts as, whatever was asked for', async () => {
    const port = await answering('XTCP Server: INTERNAL: Internal server error');
    const { health } = await httpApplication({ port, protocol: 'classic' }, { ...LONG, unimplemented: 'up' });
    expect(await health()).toMatchObject({ http: 503, upper: { status: 'down', code: 'INTERNAL' } });
    const filtered = await answering('XTCP Server: APPLICATION: {"message":"secret"}');
    const other = await httpApplication({ port: filtered, protocol: 'classic' }, { ...LONG, unimplemented: 'up' });
    expect((await other.health()).upper).toEqual({ status: 'down', code: 'APPLICATION' });
  });

  describe.skipIf(!hasPython)('since it is one of xtcp 0.2', () => {
    const old = oldServer();

    test('is found to live by a client that speaks sessions where it can', async () => {
      const options = { ...LONG, unimplemented: 'degraded' } as const;
      const { health } = await httpApplication({ port: old.port }, options);
      expect(await health()).toMatchObject({ http: 200, upper: { status: 'degraded', code: 'UNIMPLEMENTED' } });
    });
  });
});

describe('a check that cannot be made', () => {
  const indicator = new XtcpHealthIndicator(new HealthIndicatorService());

  test.each<[XtcpPingCheckOptions, string]>([
    [{ timeout: 0 }, 'the timeout is no number of milliseconds above 0'],
    [{ timeout: Number.NaN }, 'the timeout is no number of milliseconds above 0'],
    [{ timeout: '100' as unknown as number }, 'the timeout is no number of milliseconds above 0'],
    [{ service: 7 as unknown as string }, 'the service is no text'],
    [{ unimplemented: 'fine' as 'up' }, 'unimplemented takes down, degraded, up'],
  ])('for its options is an error, not a server that is down: %o', async (options, message) => {
    const failure = await xtcpFailureOf(indicator.pingCheck('upper', new XtcpClient(), options));
    expect(failure.code).toBe('INVALID_ARGUMENT');
    expect(failure.message).toBe(`XtcpHealthIndicator: of the check "upper", ${message}`);
  });

  test('for a client of another transport is one, too', async () => {
    const other = ClientProxyFactory.create({ transport: Transport.TCP });
    const failure = await xtcpFailureOf(indicator.pingCheck('upper', other));
    expect(failure.message).toBe('XtcpHealthIndicator: of the check "upper", the client is no XtcpClient');
  });
});
