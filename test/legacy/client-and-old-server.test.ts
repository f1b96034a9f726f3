import { setTimeout } from 'node:timers/promises';

import { lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';

import { XtcpError, type XtcpClient } from '../../src/index.js';
import { clientOf } from '../support/service.js';
import { hasPython, oldServer } from './python.js';

function call(client: XtcpClient, pattern: string, data = 'x'): Promise<string> {
  return lastValueFrom(client.send<string>(pattern, data));
}

async function errorOf(answer: Promise<unknown>): Promise<XtcpError> {
  const error: unknown = await answer.catch((reason: unknown) => reason);
  if (!(error instanceof XtcpError)) throw new Error('the call did not fail with an XtcpError', { cause: error });
  return error;
}

/** How many methods the old server has run, the one that tells it included. */
async function countOf(client: XtcpClient): Promise<number> {
  return Number(await call(client, 'count'));
}

/** Names in lower case, all different, with the answers that they must get. */
function names(count: number): { asked: string[]; answers: string[] } {
  const asked = Array.from({ length: count }, (_, index) => `name number ${index}`);
  return { asked, answers: asked.map((name) => name.toUpperCase()) };
}

describe.skipIf(!hasPython)('our client at the server of xtcp 0.2', () => {
  const server = oldServer();

  describe.each([1, 10])('with up to %i connections', (connections) => {
    it('makes calls one after the other, each run once', async () => {
      const client = clientOf(server.port, { connections });
      const before = await countOf(client);
      const { asked, answers } = names(30);
      const got: string[] = [];
      for (const name of asked) got.push(await call(client, 'toupper', name));
      expect(got).toEqual(answers);
      expect(await countOf(client)).toBe(before + asked.length + 1);
    });

    it('makes many calls at once, none lost, none run twice', async () => {
      const client = clientOf(server.port, { connections });
      const before = await countOf(client);
      const { asked, answers } = names(200);
      expect(await Promise.all(asked.map((name) => call(client, 'toupper', name)))).toEqual(answers);
      expect(await countOf(client)).toBe(before + asked.length + 1);
    });

    it('has no error to tell of the closes behind answers', async () => {
      const client = clientOf(server.port, { connections });
      const told: unknown[] = [];
      client.on('error', (error) => told.push(error));
      client.status.subscribe((status) => told.push(status));
      await Promise.all(names(20).asked.map((name) => call(client, 'toupper', name)));
      await call(client, 'toupper');
      expect(told).toEqual(['connected']);
    });

    it('goes on with the calls that wait when one fails', async () => {
      const client = clientOf(server.port, { connections });
      const patterns = ['half', 'toupper', 'reset', 'toupper', 'nothing', 'toupper', 'fail', 'toupper'];
      const outcomes = await Promise.allSettled(patterns.map((pattern) => call(client, pattern, 'name')));
      expect(
        outcomes.map((outcome) =>
          outcome.status === 'fulfilled' ? outcome.value : (outcome.reason as { code: string }).code,
        ),
      ).toEqual(['UNAVAILABLE', 'NAME', 'UNAVAILABLE', 'NAME', 'UNAVAILABLE', 'NAME', 'INTERNAL', 'NAME']);
    });
  });

  it('counts lengths in bytes of UTF-8', async () => {
    const client = clientOf(server.port);
    expect(await call(client, 'toupper', '你好 x')).toBe('你好 X');
    expect(await call(client, 'echo', '😀é')).toBe('😀é');
  });

  it('takes octets as they are with the payload bytes', async () => {
    const client = clientOf(server.port, { payload: 'bytes' });
    const octets = Buffer.from([0, 255, 13, 128, 10]);
    expect(await lastValueFrom(client.send<Buffer>('echo', octets))).toEqual(octets);
  });

  it('takes a traceback for an error: the last line is its message, the rest is in its details', async () => {
    const error = await errorOf(call(clientOf(server.port), 'fail'));
    expect(error).toMatchObject({ code: 'INTERNAL', pattern: 'fail', endpoint: `127.0.0.1:${server.port}` });
    expect(error.message).toBe(`ValueError: bad name (calling "fail" at 127.0.0.1:${server.port})`);
    expect(error.details).toMatch(
      /^Traceback \(most recent call last\):\n {2}File .*\braise ValueError\('bad name'\)$/s,
    );
  });

  it.each([
    ['an unknown method', 'nosuch', 'x', "KeyError: 'nosuch'"],
    ['a method outside [0-9A-Za-z_.]', 'no such', 'x', 'Exception: XTCP Server: Malformed Client Request'],
    ['empty params, which it cannot take', 'info', '', 'Exception: XTCP Server: Malformed Client Request'],
    ['CRLF in the params, which it cannot take', 'info', 'a\r\nb', 'Exception: XTCP Server: Malformed Client Request'],
    ['CRLF CRLF in the params', 'info', 'a\r\n\r\nb', 'Exception: XTCP Server: Malformed Client Request'],
  ])('tells what it says to %s', async (_, pattern, data, message) => {
    const error = await errorOf(call(clientOf(server.port), pattern, data));
    expect(error.code).toBe('INTERNAL');
    expect(error.message).toMatch(`${message} (calling `);
  });

  it('takes a result with CRLF in it', async () => {
    expect(await call(clientOf(server.port), 'crlf')).toBe('one\r\ntwo');
  });

  it('says that there was no answer where the server closes without one, as it does for an empty result', async () => {
    const client = clientOf(server.port);
    const before = await countOf(client);
    expect((await errorOf(call(client, 'nothing'))).message).toMatch('closed the connection without an answer');
    const error = await errorOf(call(client, 'echo', ''));
    expect(error.code).toBe('INTERNAL');
    // Only `nothing` came to be run, and was not sent again.
    expect(await countOf(client)).toBe(before + 2);
  });

  it('fails a call whose answer breaks off, and sends it once', async () => {
    const client = clientOf(server.port);
    const before = await countOf(client);
    const error = await errorOf(call(client, 'half', 'a name that is long enough'));
    expect(error).toMatchObject({ code: 'UNAVAILABLE', executed: undefined });
    expect(error.message).toMatch('the server closed the connection in the middle of its answer');
    expect(await countOf(client)).toBe(before + 2);
  });

  it('fails a call whose connection is reset, with the error underneath, and sends it once', async () => {
    const client = clientOf(server.port);
    const before = await countOf(client);
    const error = await errorOf(call(client, 'reset'));
    expect(error).toMatchObject({ code: 'UNAVAILABLE', executed: undefined, cause: { code: 'ECONNRESET' } });
    expect(await countOf(client)).toBe(before + 2);
  });

  it('takes an answer of maxFrameBytes, and refuses one of a byte more', async () => {
    const client = clientOf(server.port, { maxFrameBytes: 100_000 });
    expect(await call(client, 'big', '100000')).toBe('x'.repeat(100_000));
    const error = await errorOf(call(client, 'big', '100001'));
    expect(error.code).toBe('RESOURCE_EXHAUSTED');
    expect(error.message).toMatch('maxFrameBytes');
    expect(await call(client, 'toupper', 'name')).toBe('NAME');
  });

  it('takes an answer of many megabytes', async () => {
    const answer = await call(clientOf(server.port), 'big', '8000000');
    expect(answer.length).toBe(8_000_000);
  });

  it('gives up on a slow method after requestTimeoutMs, and calls on', async () => {
    const client = clientOf(server.port, { requestTimeoutMs: 150, connections: 1 });
    expect(await call(client, 'slow', '0.01')).toBe('done');
    const start = performance.now();
    const slow = errorOf(call(client, 'slow', '30'));
    const next = call(client, 'toupper', 'name');
    const error = await slow;
    expect(performance.now() - start).toBeGreaterThanOrEqual(149);
    expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED', executed: undefined, pattern: 'slow' });
    expect(error.message).toMatch('no answer within 150 ms (requestTimeoutMs)');
    expect(await next).toBe('NAME');
  });

  it('has slow calls wait for a connection no longer than queueTimeoutMs', async () => {
    const client = clientOf(server.port, { connections: 1, queueTimeoutMs: 50 });
    const before = await countOf(client);
    const slow = call(client, 'slow', '0.4');
    const error = await errorOf(call(client, 'toupper'));
    expect(error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', executed: false });
    expect(await slow).toBe('done');
    expect(await countOf(client)).toBe(before + 2);
  });

  it('runs slow calls side by side on its connections', async () => {
    const client = clientOf(server.port, { connections: 5 });
    const start = performance.now();
    await Promise.all(Array.from({ length: 5 }, () => call(client, 'slow', '0.5')));
    expect(performance.now() - start).toBeLessThan(5 * 500);
  });

  it('with pipelining, which is not for such a server, loses calls but not silently, and runs none twice', async () => {
    const client = clientOf(server.port, { connections: 1, pipelining: 4 });
    const counter = clientOf(server.port);
    const before = await countOf(counter);
    const outcomes = await Promise.allSettled(names(8).asked.map((name) => call(client, 'toupper', name)));
    const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
    for (const { reason } of lost) expect(reason).toMatchObject({ code: 'UNAVAILABLE', executed: undefined });
    expect(await countOf(counter)).toBe(before + outcomes.length - lost.length + 1);
    // It has seen the server close by now, and goes on as without pipelining.
    expect(await Promise.all(names(8).asked.map((name) => call(client, 'toupper', name)))).toEqual(names(8).answers);
  });

  it('connects when asked to, and calls on the connection that it got', async () => {
    const client = clientOf(server.port);
    await client.connect();
    expect(await call(client, 'toupper', 'name')).toBe('NAME');
    await client.close();
    expect(await call(client, 'toupper', 'name')).toBe('NAME');
  });

  it('sends events, and takes the answer for the sign that they were handled', async () => {
    const client = clientOf(server.port);
    const before = await countOf(client);
    expect(await lastValueFrom(client.emit('toupper', 'name'))).toBeUndefined();
    expect(await countOf(client)).toBe(before + 2);
  });
});

describe.skipIf(!hasPython)('our client at a server of xtcp 0.2 whose closes come late', () => {
  const server = oldServer('--delay-close', '0.3');

  it.each([1, 10])('loses no call in between, with up to %i connections', async (connections) => {
    const client = clientOf(server.port, { connections });
    const before = await countOf(client);
    const { asked, answers } = names(25);
    const got: string[] = [];
    // At all distances from the answer before: right behind it, while the close is due, around it and after it.
    for (const [index, name] of asked.entries()) {
      got.push(await call(client, 'toupper', name));
      await setTimeout(index * 2);
    }
    expect(got).toEqual(answers);
    expect(await countOf(client)).toBe(before + asked.length + 1);
  });

  it('loses none of many at once', async () => {
    const client = clientOf(server.port);
    const before = await countOf(client);
    const { asked, answers } = names(100);
    expect(await Promise.all(asked.map((name) => call(client, 'toupper', name)))).toEqual(answers);
    expect(await Promise.all(asked.map((name) => call(client, 'toupper', name)))).toEqual(answers);
    expect(await countOf(client)).toBe(before + 2 * asked.length + 1);
  });

  it('loses none that meets the close itself', async () => {
    for (let ms = 285; ms <= 315; ms += 5) {
      const client = clientOf(server.port);
      await call(client, 'toupper');
      await setTimeout(ms);
      expect(await call(client, 'toupper', 'name')).toBe('NAME');
    }
  });
});
