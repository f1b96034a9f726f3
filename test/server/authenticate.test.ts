import { inspect } from 'node:util';

import { firstValueFrom } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { XtcpException, type XtcpServerOptions } from '../../src/index.js';
import { deferred } from '../nest/support/deferred.js';
import { xtcpFailureOf } from '../nest/support/failures.js';
import { frameOf } from '../session/session-play.js';
import { hello, logged, serving, takeFrame } from './serving.js';

const TOKEN = 'very-secret';
type Authenticate = NonNullable<XtcpServerOptions['authenticate']>;

function throwing(error: Error): Authenticate {
  return () => {
    throw error;
  };
}

test('what authenticate gets, and returns or resolves to, is who a client is', async () => {
  for (const isAsync of [false, true]) {
    const authenticate: Authenticate = ({ name, auth }, { remoteAddress, socket }) => {
      const identity = { name, auth, remoteAddress, isSame: socket.remoteAddress === remoteAddress };
      return isAsync ? Promise.resolve(identity) : identity;
    };
    const { client } = await serving({ authenticate });
    expect(await firstValueFrom(client({ auth: TOKEN }).send('identity', ''))).toEqual({
      identity: { auth: TOKEN, remoteAddress: '127.0.0.1', isSame: true },
    });
    expect(await firstValueFrom(client().send('identity', ''))).toMatchObject({ identity: { isSame: true } });
  }
});

test('clients are who they are, side by side, and nobody where nobody is asked', async () => {
  const { client } = await serving({ authenticate: ({ auth }) => auth });
  const [one, other] = [client({ auth: 'one' }), client({ auth: async () => 'other' })];
  const identities = [one, other, one].map((who) => firstValueFrom(who.send('identity', '')));
  expect(await Promise.all(identities)).toEqual([{ identity: 'one' }, { identity: 'other' }, { identity: 'one' }]);
  const open = await serving();
  expect(await firstValueFrom(open.client({ auth: TOKEN }).send('identity', ''))).toEqual({});
});

describe('a client that is turned away', () => {
  test.each<[string, Authenticate, string]>([
    ['an error', throwing(new Error(`bad ${TOKEN}`)), 'authenticate turned the client away'],
    ['a rejection', () => Promise.reject(new Error(`bad ${TOKEN}`)), 'authenticate turned the client away'],
    ['an exception that is meant for it', throwing(new XtcpException('UNAUTHENTICATED', 'who?')), 'who?'],
  ])('by %s gets UNAUTHENTICATED, and nothing runs', async (_what, authenticate, message) => {
    const { client, called } = await serving({ authenticate });
    const lines = logged();
    const failure = await xtcpFailureOf(client({ auth: TOKEN }).send('echo', 'x'));
    expect(failure).toMatchObject({ code: 'UNAUTHENTICATED', executed: false });
    expect(failure.message).toContain(message);
    await lines.count(1);
    expect(called.all).toEqual([]);
    expect(inspect(failure, { depth: 9 }) + JSON.stringify(failure) + lines.all.join()).not.toContain(TOKEN);
  });

  test('has nothing run that it sent behind its hello', async () => {
    const { raw, called } = await serving({ authenticate: throwing(new Error('no')) });
    const peer = await raw();
    peer.send(hello() + frameOf('Qt1', 'echo', 'x'));
    const [, , json] = await takeFrame(peer);
    expect(JSON.parse(json ?? '')).toMatchObject({ error: { code: 'UNAUTHENTICATED', executed: false } });
    expect([await peer.takeAll(), called.all]).toEqual(['', []]);
  });

  test('because it speaks classic is told so', async () => {
    const { client, called } = await serving({ authenticate: () => 'who' });
    const failure = await xtcpFailureOf(client({ protocol: 'classic' }).send('echo', 'x'));
    expect([failure.code, called.all]).toEqual(['UNIMPLEMENTED', []]);
  });
});

/** A hello whose JSON has so many bytes. */
function helloOf(bytes: number): string {
  return hello({ name: 'n'.repeat(bytes - '{"name":""}'.length) });
}

test('a hello of more than 64 KiB is refused before anybody looks at its client; one of 64 KiB is not', async () => {
  const asked: (string | undefined)[] = [];
  const { raw, called } = await serving({
    authenticate: ({ name }) => {
      asked.push(name);
      return name;
    },
  });
  const large = await raw();
  large.send(helloOf(65_537) + frameOf('Qt1', 'echo', 'x'));
  const [name, version, json] = await takeFrame(large);
  expect([name, version, JSON.parse(json ?? '')]).toEqual([
    'xtcp',
    '1',
    { error: { code: 'RESOURCE_EXHAUSTED', message: 'the hello is over 65536 bytes', executed: false } },
  ]);
  expect([await large.takeAll(), asked, called.all]).toEqual(['', [], []]);

  const largest = await raw();
  largest.send(helloOf(65_536));
  expect(await takeFrame(largest)).toEqual(['xtcp', '1', expect.not.stringContaining('error')]);
  expect(asked).toHaveLength(1);
});

test('calls behind a hello wait until the client is known', async () => {
  const known = deferred<string>();
  const asked = deferred();
  const { raw, called } = await serving({
    authenticate: () => {
      asked.resolve();
      return known.promise;
    },
  });
  const peer = await raw();
  peer.send(hello() + frameOf('Qt1', 'echo', 'x'));
  await asked.promise;
  peer.send(frameOf('Qt2', 'identity', ''));
  expect([peer.bytes, called.all]).toEqual(['', []]);
  known.resolve('who');
  expect((await takeFrame(peer))[0]).toBe('xtcp');
  expect([await takeFrame(peer), await takeFrame(peer)]).toEqual([
    ['At1', 'x'],
    ['Aj2', '{"identity":"who"}'],
  ]);
});

test('a client that leaves while it is looked at harms nobody', async () => {
  const known = deferred<string>();
  const asked = deferred();
  const { raw, server } = await serving({
    authenticate: () => {
      asked.resolve();
      return known.promise;
    },
  });
  const peer = await raw();
  peer.send(hello());
  await asked.promise;
  peer.socket.resetAndDestroy();
  await peer.untilClosed();
  known.resolve('who');
  await server.close();
  expect(peer.bytes).toBe('');
});
