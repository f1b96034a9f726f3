import { firstValueFrom } from 'rxjs';
import { expect, onTestFinished, test } from 'vitest';

import { XtcpClient, type XtcpError, type XtcpErrorCode } from '../../src/index.js';
import { clientOf, startService } from '../support/service.js';
import { nodeCode, xtcpFailureOf } from './support/failures.js';
import { socketPath, unusedPort } from './support/addresses.js';
import { scriptedServer } from './support/scripted-server.js';
import { UpperController } from './support/upper.controller.js';

/** What every error of a call has to tell, and what it may not. */
function expectTold(error: XtcpError, code: XtcpErrorCode, endpoint: string): void {
  expect(error).toMatchObject({ name: 'XtcpError', code, endpoint, pattern: 'call' });
  expect(error.message).toContain(endpoint);
  expect(error.message).toContain('"call"');
  expect(error.message).not.toContain('secret');
}

/** Calls a server that answers every request with these bytes, then leaves its output open or ends it. */
async function callAnsweredWith(
  bytes: string | Buffer,
  then: 'stay' | 'end' = 'stay',
  options: ConstructorParameters<typeof XtcpClient>[0] = {},
): Promise<{ error: XtcpError; endpoint: string }> {
  const { port } = await scriptedServer((peer) => {
    peer.send(bytes);
    if (then === 'end') peer.socket.end();
  });
  const error = await xtcpFailureOf(clientOf(port, options).send('call', 'secret'));
  return { error, endpoint: `127.0.0.1:${port}` };
}

test('a refused connection: UNAVAILABLE, not executed, with the cause', async () => {
  const port = await unusedPort();

  const error = await xtcpFailureOf(clientOf(port).send('call', 'secret'));

  expectTold(error, 'UNAVAILABLE', `127.0.0.1:${port}`);
  expect(error.executed).toBe(false);
  expect(nodeCode(error.cause)).toBe('ECONNREFUSED');
});

test('a host name at none of whose addresses anything listens: UNAVAILABLE, with the cause', async () => {
  const port = await unusedPort();

  const error = await xtcpFailureOf(clientOf(port, { host: 'localhost' }).send('call', 'secret'));

  expectTold(error, 'UNAVAILABLE', `localhost:${port}`);
  expect(nodeCode(error.cause)).toBe('ECONNREFUSED');
});

test('a Unix socket that is not there: UNAVAILABLE, not executed, naming its path', async () => {
  const path = await socketPath();
  const client = new XtcpClient({ path, protocol: 'classic' });
  onTestFinished(() => client.close());

  const error = await xtcpFailureOf(client.send('call', 'secret'));

  expectTold(error, 'UNAVAILABLE', `unix:${path}`);
  expect(error.executed).toBe(false);
  expect(nodeCode(error.cause)).toBe('ENOENT');
});

test('a reset: UNAVAILABLE, with the cause', async () => {
  const { port } = await scriptedServer((peer) => {
    peer.socket.resetAndDestroy();
  });

  const error = await xtcpFailureOf(clientOf(port).send('call', 'secret'));

  expectTold(error, 'UNAVAILABLE', `127.0.0.1:${port}`);
  expect(error.executed).toBeUndefined();
  expect(nodeCode(error.cause)).toBe('ECONNRESET');
});

test.each(['6', '6\r\n', '6\r\nans', '6\r\nsecret', '6\r\nsecret\r\n', '6\r\nsecret\r\n\r'])(
  'a close in mid-answer (behind %j): UNAVAILABLE, and nobody knows whether it was executed',
  async (bytes) => {
    const { error, endpoint } = await callAnsweredWith(bytes, 'end');

    expectTold(error, 'UNAVAILABLE', endpoint);
    expect(error.message).toContain('in the middle of its answer');
    expect(error.executed).toBeUndefined();
  },
);

test('a close without any answer: UNAVAILABLE, and it says that xtcp 0.2 does so for an empty result', async () => {
  const { error, endpoint } = await callAnsweredWith('', 'end');

  expectTold(error, 'UNAVAILABLE', endpoint);
  expect(error.message).toMatch(/without an answer.*xtcp 0\.2/);
  expect(error.executed).toBeUndefined();
});

test.each([
  ['no length', 'secret'],
  ['a length that is wrong', '3\r\nsecret\r\n\r\n'],
  ['two fields', '6\r\nsecret\r\n6\r\nsecret\r\n\r\n'],
  ['HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
])('a malformed answer (%s): PROTOCOL_ERROR', async (_what, bytes) => {
  const { error, endpoint } = await callAnsweredWith(bytes);

  expectTold(error, 'PROTOCOL_ERROR', endpoint);
  expect(error.message).toMatch(/at byte \d+/);
});

test('an answer that is not UTF-8: PROTOCOL_ERROR', async () => {
  const { error, endpoint } = await callAnsweredWith(Buffer.from('1\r\n\xff\r\n\r\n', 'latin1'));

  expectTold(error, 'PROTOCOL_ERROR', endpoint);
  expect(error.message).toContain('UTF-8');
});

test('an answer that is not JSON where JSON is wanted: PROTOCOL_ERROR, none of it quoted', async () => {
  const { error, endpoint } = await callAnsweredWith('8\r\n{"secret\r\n\r\n', 'stay', { payload: 'json' });

  expectTold(error, 'PROTOCOL_ERROR', endpoint);
  expect(error.message).toContain('JSON');
});

test('an answer over maxFrameBytes: RESOURCE_EXHAUSTED, from its length alone', async () => {
  const { error, endpoint } = await callAnsweredWith('11\r\n', 'stay', { maxFrameBytes: 10 });

  expectTold(error, 'RESOURCE_EXHAUSTED', endpoint);
  expect(error.message).toContain('maxFrameBytes, 10');
});

test('an answer of just maxFrameBytes is taken', async () => {
  const { port } = await scriptedServer((peer) => {
    peer.send('10\r\n0123456789\r\n\r\n');
  });

  expect(await firstValueFrom(clientOf(port, { maxFrameBytes: 10 }).send('call', ''))).toBe('0123456789');
});

test('an unknown pattern of our server: UNIMPLEMENTED', async () => {
  const { port } = await startService([UpperController]);

  const error = await xtcpFailureOf(clientOf(port).send('call', 'secret'));

  expectTold(error, 'UNIMPLEMENTED', `127.0.0.1:${port}`);
  expect(error.message).toContain('no matching message handler');
});

test('a request over the maxFrameBytes of our server: RESOURCE_EXHAUSTED', async () => {
  const { port } = await startService([UpperController], { maxFrameBytes: 100 });

  const error = await xtcpFailureOf(clientOf(port).send('call', 'secret'.repeat(100)));

  expectTold(error, 'RESOURCE_EXHAUSTED', `127.0.0.1:${port}`);
  expect(error.message).toContain('maxFrameBytes, 100');
});

test('an object pattern is named as it goes over the wire', async () => {
  const port = await unusedPort();

  const error = await xtcpFailureOf(clientOf(port).send({ cmd: 'sum', about: 1 }, 'secret'));

  expect(error.pattern).toBe('{"about":1,"cmd":"sum"}');
});

test('a bad answer ends its connection; the next call goes on a new one', async () => {
  const { port } = await scriptedServer((peer, { connection }) => {
    peer.send(connection === 1 ? 'rubbish' : '4\r\nfine\r\n\r\n');
  });
  const client = clientOf(port);

  expect((await xtcpFailureOf(client.send('call', ''))).code).toBe('PROTOCOL_ERROR');
  expect(await firstValueFrom(client.send('call', ''))).toBe('fine');
});

test('with pipelining, the calls behind one that fails the connection are told why it was lost', async () => {
  const { port } = await scriptedServer((peer, { params }) => {
    if (params === 'last') peer.send('rubbish');
  });
  const client = clientOf(port, { connections: 1, pipelining: 2 });
  const first = xtcpFailureOf(client.send('call', 'first'));
  const second = xtcpFailureOf(client.send('call', 'last'));

  expectTold(await first, 'PROTOCOL_ERROR', `127.0.0.1:${port}`);
  expectTold(await second, 'UNAVAILABLE', `127.0.0.1:${port}`);
  expect((await second).cause).toMatchObject({ code: 'PROTOCOL_ERROR' });
});
