import { expect, test } from 'vitest';

import { RawPeer } from '../support/raw.js';
import { expectUnharmed, faultService, untilDeserted, type FaultService } from './support/service.js';
import { SessionPeer } from './support/session-peer.js';

const MAX_CALLS = 100;

/** The peer has gone: what it had begun ends, and nobody else notices anything. */
async function expectAllWellBehind(service: FaultService, ...peers: readonly RawPeer[]): Promise<void> {
  await expectUnharmed(service);
  for (const peer of peers) peer.socket.destroy();
  await untilDeserted(service);
}

test('a peer that opens and cancels in a loop gets no more places than it has', async () => {
  const service = await faultService();
  const peer = await SessionPeer.open(service.port);
  const openings = 10 * MAX_CALLS;
  for (let id = 1; id <= openings; id++) {
    peer.sendAll([['Qt' + id, 'stubborn', 'x'], ['X' + id]]);
  }
  peer.send('P1');
  const refused: (string[] | undefined)[] = [];
  for (let frame = await peer.take(); frame?.[0] !== 'R1'; frame = await peer.take()) refused.push(frame);

  expect(service.began.all).toHaveLength(MAX_CALLS);
  expect(refused).toHaveLength(openings - MAX_CALLS);
  for (const frame of refused) {
    expect(JSON.parse(frame?.[1] ?? '')).toMatchObject({ code: 'RESOURCE_EXHAUSTED', executed: false });
  }
  // Handlers that do not look at their signal hold their places even behind the connection.
  await expectAllWellBehind(service, peer.raw);
  service.release();
  await service.ended.count(MAX_CALLS);
});

test('a peer that opens and cancels what looks at its signal never has two of its calls run', async () => {
  const service = await faultService();
  const peer = await SessionPeer.open(service.port);
  for (let id = 1; id <= 1000; id++) {
    peer.sendAll([['Qt' + id, 'wait', 'x'], ['X' + id], ['P' + id]]);
    expect(await peer.take()).toEqual(['R' + id]);
  }
  await service.ended.count(service.began.all.length);
  await expectAllWellBehind(service, peer.raw);
});

test('a peer that never reads is read from no further, and costs one answer for each place at most', async () => {
  const service = await faultService();
  const peer = await SessionPeer.open(service.port, { maxFrame: 1_000_000 });
  peer.raw.socket.pause();
  const frames = Array.from({ length: 10 * MAX_CALLS }, (_, index) => ['Qj' + (index + 1), 'blob', '200000']);
  peer.sendAll(frames);
  await service.began.count(1);

  await expectUnharmed(service);
  // The good client's own is one of them.
  expect(service.began.all.length).toBeLessThanOrEqual(MAX_CALLS + 1);
  await expectAllWellBehind(service, peer.raw);
});

test('a peer that never reads its streams has them wait, each at its window', async () => {
  const service = await faultService();
  const peer = await SessionPeer.open(service.port);
  const streams = 50;
  const bytes = 30_000;
  for (let id = 1; id <= streams; id++) peer.send('Qj' + id, 'blobs', JSON.stringify({ items: 1000, bytes }));
  // The window takes two and is overdrawn by a third; the generator makes no fourth.
  await service.began.count(3 * streams);
  await expectUnharmed(service);
  expect(service.began.all.filter((name) => name === 'blob')).toHaveLength(3 * streams + 1);
  await expectAllWellBehind(service, peer.raw);
  await service.ended.count(streams);
});

test('a peer that sends one byte and stops is told so, and let go', async () => {
  const service = await faultService({ incompleteMessageTimeout: 50 });
  const peer = await RawPeer.dial(service.port);
  peer.send('4');
  const answer = await peer.takeAll();
  expect(answer).toContain('XTCP Server: DEADLINE_EXCEEDED: ');
  peer.socket.end();
  await peer.untilClosed();
  await expectAllWellBehind(service);
});

test('a peer that stops in the middle of a frame of a session is told so, and let go', async () => {
  const service = await faultService({ incompleteMessageTimeout: 50 });
  const peer = await SessionPeer.open(service.port);
  peer.raw.send('3\r\nQt1\r\n4\r\nwa');
  const [head, message] = (await peer.take()) ?? [];
  expect(head).toBe('G');
  expect(JSON.parse(message ?? '')).toMatchObject({ code: 'DEADLINE_EXCEEDED', last: 0 });
  await expectAllWellBehind(service, peer.raw);
});

test('a peer that says hello and then nothing, not even to a ping, is dropped', async () => {
  const service = await faultService({ keepAliveIntervalMs: 50, keepAliveTimeoutMs: 50 });
  const peer = await SessionPeer.open(service.port);
  peer.send('Qt1', 'wait', 'silent');
  expect(await peer.take()).toEqual(['P1']);
  await peer.raw.until(() => peer.raw.ended);
  await service.ended.including('silent');
  await untilDeserted(service);
});

test('a peer that floods pings is answered, each once, while others are served', async () => {
  const service = await faultService();
  const peer = await SessionPeer.open(service.port);
  const pings = 500;
  peer.sendAll(Array.from({ length: pings }, (_, index) => ['P' + index]));
  const unharmed = expectUnharmed(service);
  for (let ping = 0; ping < pings; ping++) expect(await peer.take()).toEqual(['R' + ping]);
  await unharmed;
  await expectAllWellBehind(service, peer.raw);
});

const nonsense: Readonly<Record<string, readonly string[]>> = {
  'nothing but x': ['xtcp', '1', 'x'.repeat(65_000)],
  'NUL bytes': ['xtcp', '1', '\0'.repeat(65_000)],
  'brackets inside of brackets': ['xtcp', '1', '['.repeat(30_000) + ']'.repeat(30_000)],
  'objects inside of objects': ['xtcp', '1', `{"window":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_001)}`],
  'a member that is too deep': ['xtcp', '1', `{"codecs":${'['.repeat(30_000)}${']'.repeat(30_000)}}`],
  'ten thousand unknown members and a wrong one': [
    'xtcp',
    '1',
    JSON.stringify({ ...Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`m${n}`, n])), window: 'wide' }),
  ],
  'fields beyond fields': ['xtcp', ...Array.from({ length: 15 }, () => 'x'.repeat(4000))],
  'a version that is no number': ['xtcp', '1'.repeat(60_000), '{}'],
};

test.each(Object.keys(nonsense))('a peer whose hello is 64 KB of nonsense is refused: %s', async (name) => {
  const service = await faultService();
  const peer = new SessionPeer(await RawPeer.dial(service.port));
  // What stands behind it must not run.
  peer.sendAll([nonsense[name] ?? [], ['Qt1', 'wait', 'behind']]);
  const [, , json] = (await peer.take()) ?? [];
  expect(JSON.parse(json ?? '')).toMatchObject({ error: { code: 'PROTOCOL_ERROR', executed: false } });
  expect(await peer.take()).toBeUndefined();
  await expectAllWellBehind(service, peer.raw);
  expect(service.began.all).not.toContain('behind');
});

test('a peer whose hello says __proto__ changes nothing', async () => {
  const service = await faultService();
  const peer = new SessionPeer(await RawPeer.dial(service.port));
  peer.send('xtcp', '1', '{"__proto__":{"maxFrame":1,"polluted":1},"constructor":{"prototype":{"polluted":1}}}');
  expect((await peer.take())?.[0]).toBe('xtcp');
  peer.send('Qj1', 'echo', '{"__proto__":{"polluted":1}}', '{"__proto__":"polluted","constructor":"x"}');
  expect(await peer.take()).toEqual(['Aj1', '{"__proto__":{"polluted":1}}']);
  peer.send('Qj2', '{"__proto__":{"cmd":"polluted"}}', '1');
  expect((await peer.take())?.[0]).toBe('E2');
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
  await expectAllWellBehind(service, peer.raw);
});

/** What breaks the protocol, in frames behind the hello; the connection ends with `G`. */
const breaches: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'sends items without credit': [['Ob1', 'wait', ''], ...Array.from({ length: 10 }, () => ['Nb1', 'x'.repeat(60_000)])],
  'uses an id again': [
    ['Qt1', 'echo', 'a'],
    ['Qt1', 'echo', 'a'],
  ],
  'cancels what was never opened': [['X7']],
  'grants credit beyond all bounds': [['Qt1', 'items', 'credit'], ['W1 9007199254740991'], ['W1 9007199254740991']],
  'answers as if it were the server': [['At1', 'a']],
  'sends a head that is none': [['Q'.repeat(65), 'a', 'b']],
};

test.each(Object.keys(breaches))('a peer that %s is told so, and let go', async (name) => {
  const service = await faultService({ windowBytes: 65_536 });
  const peer = await SessionPeer.open(service.port);
  peer.sendAll(breaches[name] ?? []);
  const goingAway = await peer.takeHead('G');
  expect(JSON.parse(goingAway?.[1] ?? '')).toMatchObject({ code: 'PROTOCOL_ERROR' });
  expect(await peer.take()).toBeUndefined();
  await expectAllWellBehind(service, peer.raw);
});

test('a peer that claims a frame of gigabytes is refused before anything is stored', async () => {
  const service = await faultService();
  const peer = await SessionPeer.open(service.port);
  peer.raw.send('9999999999\r\n');
  const goingAway = await peer.take();
  expect(JSON.parse(goingAway?.[1] ?? '')).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
  await expectAllWellBehind(service, peer.raw);
});

test('a peer that resets with calls under way ends them', async () => {
  const service = await faultService();
  const peer = await SessionPeer.open(service.port);
  peer.sendAll([
    ['Qt1', 'wait', 'call'],
    ['Qt2', 'items', 'stream'],
    ['O-3', 'sum', ''],
  ]);
  await service.began.count(2);
  peer.raw.socket.resetAndDestroy();
  expect(await service.ended.count(2)).toHaveLength(2);
  await expectAllWellBehind(service);
});

test('a peer that ends its output in the middle of a frame is let go, with its calls', async () => {
  const service = await faultService();
  const peer = await SessionPeer.open(service.port);
  peer.send('Qt1', 'wait', 'half');
  await service.began.including('half');
  peer.raw.send('5\r\nQt2');
  peer.raw.socket.end();
  expect(await service.ended.including('half')).toEqual(['half']);
  await peer.raw.untilClosed();
  await expectAllWellBehind(service);
});

test('peers that connect and leave in a loop leave nothing', async () => {
  const service = await faultService();
  for (let round = 0; round < 40; round++) {
    const peers = await Promise.all(Array.from({ length: 5 }, () => RawPeer.dial(service.port)));
    const [silent, greeting, half, resetting, calling] = peers.map((raw) => new SessionPeer(raw));
    greeting?.send('xtcp', '1', '{}');
    half?.raw.send('4\r\nxtc');
    calling?.sendAll([
      ['xtcp', '1', '{}'],
      ['Qt1', 'wait', 'left'],
    ]);
    resetting?.raw.socket.resetAndDestroy();
    for (const peer of [silent, greeting, half, calling]) peer?.raw.socket.destroy();
  }
  await untilDeserted(service);
  const begun = service.began.all.length;
  expect(await service.ended.count(begun)).toHaveLength(begun);
  await expectAllWellBehind(service);
});

test('a peer that calls behind its own going away, and never closes, is let go when its calls have ended', async () => {
  const service = await faultService();
  const peer = await SessionPeer.open(service.port);
  peer.sendAll([
    ['Qt1', 'wait', 'before'],
    ['G', '{"code":"CANCELLED","reason":"bye"}'],
    ['Qt2', 'wait', 'behind'],
  ]);
  await service.began.including('before');
  service.release();
  expect(await peer.takeHead('A')).toEqual(['At1', 'before']);
  await peer.raw.until(() => peer.raw.ended);
  await untilDeserted(service);
});

test('a peer that asks in both protocols at once gets what its first frame says', async () => {
  const service = await faultService();
  const classic = new SessionPeer(await RawPeer.dial(service.port));
  classic.sendAll([
    ['echo', 'a'],
    ['xtcp', '1', '{}'],
  ]);
  expect(await classic.take()).toEqual(['a']);
  expect((await classic.take())?.[0]).toMatch(/^XTCP Server: Malformed Client Request: /);
  await expectAllWellBehind(service, classic.raw);
});

test('a classic peer whose pattern is a deep object is told that it is too long', async () => {
  const service = await faultService({ maxFrameBytes: 4_000_000 });
  const peer = new SessionPeer(await RawPeer.dial(service.port));
  const depth = 300_000;
  peer.send('{"a":'.repeat(depth) + '1' + '}'.repeat(depth), 'x');
  expect((await peer.take())?.[0]).toMatch(/^XTCP Server: RESOURCE_EXHAUSTED: /);
  await expectAllWellBehind(service, peer.raw);
});
