import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

import { lastValueFrom } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';

import type { XtcpClient, XtcpClientOptions, XtcpErrorCode } from '../../src/index.js';
import { xtcpFailureOf } from '../nest/support/failures.js';
import { RawPeer } from '../support/raw.js';
import { clientOf } from '../support/service.js';
import { faultService, GIVES, KINDS, untilDeserted, type FaultService, type KindOfCall } from './support/service.js';
import { SessionPeer } from './support/session-peer.js';

const kinds = Object.keys(KINDS) as KindOfCall[];

/** A port whose first connections are served badly, by the test, and all others by a real service. */
interface MendedServer {
  readonly port: number;
  readonly service: FaultService;
  /** From now on, connections go to the real service. */
  mend(): void;
  /** Connections that were served badly. */
  readonly bad: number;
}

async function badAtFirst(misbehave: (peer: SessionPeer) => Promise<void>): Promise<MendedServer> {
  const service = await faultService();
  const sockets = new Set<Socket>();
  let mended = false;
  let bad = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const both = mended ? [socket, connect({ port: service.port, host: '127.0.0.1', allowHalfOpen: true })] : [socket];
    for (const one of both) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => sockets.delete(one));
    }
    const [, other] = both;
    if (other === undefined) {
      bad++;
      const peer = new RawPeer(socket);
      // A client that gives up closes its side; so does this one.
      socket.on('end', () => socket.end());
      void misbehave(new SessionPeer(peer));
    } else {
      socket.pipe(other).pipe(socket);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    port: (server.address() as AddressInfo).port,
    service,
    mend: () => {
      mended = true;
    },
    get bad() {
      return bad;
    },
  };
}

const HELLO = ['xtcp', '1', '{}'];

async function greet(peer: SessionPeer): Promise<void> {
  await peer.take();
  peer.send(...HELLO);
}

/** Says hello, takes the call, and does `answer` to it. */
function onceAsked(answer: (peer: SessionPeer, id: string) => void): (peer: SessionPeer) => Promise<void> {
  return async (peer) => {
    await greet(peer);
    for (;;) {
      const [head = ''] = (await peer.take()) ?? [];
      if (head === '') return;
      const [, id] = /^[QV].(\d+)/.exec(head) ?? [];
      if (id !== undefined) answer(peer, id);
    }
  };
}

interface Misbehaviour {
  readonly does: (peer: SessionPeer) => Promise<void>;
  readonly code: XtcpErrorCode;
  /** Whether the caller may know that nothing ran. */
  readonly executed?: false;
  readonly options?: XtcpClientOptions;
  /** What it did to the call condemns no connection, so that the client keeps it. */
  readonly keepsConnection?: true;
}

const HALF_AN_ANSWER = '3\r\nAt1\r\n100\r\nhalf';
const IMPATIENT = { keepAliveIntervalMs: 100, keepAliveTimeoutMs: 100 };

const misbehaviours: Readonly<Record<string, Misbehaviour>> = {
  'accepts and says nothing': {
    does: async () => {},
    options: { connectTimeoutMs: 100 },
    code: 'UNAVAILABLE',
    executed: false,
  },
  'answers the hello and then nothing': { does: greet, options: IMPATIENT, code: 'UNAVAILABLE' },
  'answers the hello and then nothing, to a call that has no time for that': {
    does: greet,
    options: { timeoutMs: 100 },
    code: 'DEADLINE_EXCEEDED',
    keepsConnection: true,
  },
  'closes in the place of its hello': {
    does: async (peer) => {
      await peer.take();
      peer.raw.socket.end();
    },
    code: 'UNAVAILABLE',
    executed: false,
  },
  'resets in the place of its hello': {
    does: async (peer) => {
      await peer.take();
      peer.raw.socket.resetAndDestroy();
    },
    code: 'UNAVAILABLE',
    executed: false,
  },
  'answers the hello with an endless field': {
    does: async (peer) => {
      await peer.take();
      peer.raw.send('9999999999\r\n');
    },
    code: 'UNAVAILABLE',
    executed: false,
  },
  'answers the hello with text': {
    does: async (peer) => {
      await peer.take();
      peer.raw.send('HTTP/1.1 400 Bad Request\r\n\r\n');
    },
    code: 'UNAVAILABLE',
    executed: false,
  },
  'answers the hello with 64 KB of nonsense': {
    does: async (peer) => {
      await peer.take();
      peer.send('xtcp', '1', '\0'.repeat(65_000));
    },
    code: 'PROTOCOL_ERROR',
    executed: false,
  },
  'refuses with an error that is nothing but brackets': {
    does: async (peer) => {
      await peer.take();
      peer.send('xtcp', '1', `{"error":${'['.repeat(1000)}${']'.repeat(1000)}}`);
    },
    code: 'INTERNAL',
    executed: false,
  },
  'resets in mid-answer': {
    does: onceAsked((peer) => {
      peer.raw.socket.write(HALF_AN_ANSWER, () => peer.raw.socket.resetAndDestroy());
    }),
    code: 'UNAVAILABLE',
  },
  'ends in mid-answer': {
    does: onceAsked((peer) => {
      peer.raw.socket.end(HALF_AN_ANSWER);
    }),
    code: 'UNAVAILABLE',
  },
  'stops in mid-answer': {
    does: onceAsked((peer) => {
      peer.raw.send(HALF_AN_ANSWER);
    }),
    options: IMPATIENT,
    code: 'UNAVAILABLE',
  },
  'answers with bytes that are no frame': {
    does: onceAsked((peer) => {
      peer.raw.send('At1\r\n\r\n');
    }),
    code: 'PROTOCOL_ERROR',
  },
  'answers a call that was never made': {
    does: onceAsked((peer) => {
      peer.send('C99');
    }),
    code: 'PROTOCOL_ERROR',
  },
  'calls its client': {
    does: onceAsked((peer) => {
      peer.send('Qt1', 'echo', 'a');
    }),
    code: 'PROTOCOL_ERROR',
  },
  'answers in a codec that nobody agreed on': {
    does: onceAsked((peer, id) => {
      peer.send(`Nz${id}`, 'a');
    }),
    code: 'PROTOCOL_ERROR',
  },
  'claims an answer of gigabytes': {
    does: onceAsked((peer) => {
      peer.raw.send('9999999999\r\n');
    }),
    code: 'RESOURCE_EXHAUSTED',
  },
  'floods pings in the place of an answer': {
    does: onceAsked((peer) => {
      peer.sendAll(Array.from({ length: 5000 }, (_, number) => [`P${number}`]));
    }),
    code: 'RESOURCE_EXHAUSTED',
  },
  'goes away with every call': {
    does: onceAsked((peer) => {
      peer.send('G', '{"code":"UNAVAILABLE","reason":"not today","last":0}');
    }),
    code: 'UNAVAILABLE',
    executed: false,
  },
  'fails every call with an error that is no JSON': {
    does: onceAsked((peer, id) => {
      peer.send(`E${id}`, '\0\xff{');
    }),
    code: 'INTERNAL',
    keepsConnection: true,
  },
  'fails every call with an error of an unknown code': {
    does: onceAsked((peer, id) => {
      peer.send(`E${id}`, '{"code":"__proto__","message":{"toString":1},"executed":"no"}');
    }),
    code: 'INTERNAL',
    keepsConnection: true,
  },
};

describe.each(Object.keys(misbehaviours))('a server that %s', (name) => {
  test.each(kinds)('fails a %s, and harms nothing behind it', async (kind) => {
    const { does, code, executed, options, keepsConnection } = misbehaviours[name]!;
    const server = await badAtFirst(does);
    const client = clientOf(server.port, { protocol: 'session', gracePeriodMs: 100, ...options });

    const error = await xtcpFailureOf(KINDS[kind](client, 'harmed'));
    expect(error.code).toBe(code);
    expect(error.executed).toBe(executed);
    server.mend();
    if (keepsConnection === true) await client.close();
    await expectMended(server, client);
  });
});

/** The next calls go over a new connection, and give what they have to. */
async function expectMended(server: MendedServer, client: XtcpClient): Promise<void> {
  server.service.release();
  for (const kind of kinds) expect(await KINDS[kind](client, kind)).toEqual(GIVES[kind](kind));
  await client.close();
  await untilDeserted(server.service);
}

test('a server that answers every call twice answers it once', async () => {
  const server = await badAtFirst(
    onceAsked((peer, id) => {
      peer.sendAll([
        [`At${id}`, 'once'],
        [`At${id}`, 'twice'],
        [`E${id}`, '{"code":"INTERNAL","message":"thrice"}'],
      ]);
    }),
  );
  const client = clientOf(server.port, { protocol: 'session' });
  for (let call = 0; call < 3; call++) {
    const values: unknown[] = [];
    await client.send('echo', 'a').forEach((value) => values.push(value));
    expect(values).toEqual(['once']);
  }
  expect(server.bad).toBe(1);
});

test('a server that floods pings and credit is answered, and its answers are heard', async () => {
  const pings = 200;
  const server = await badAtFirst(
    onceAsked((peer, id) => {
      const flood = Array.from({ length: pings }, (_, number) => [[`P${number}`], [`W${id} 1`]]).flat();
      peer.sendAll([...flood, [`At${id}`, 'answer']]);
    }),
  );
  const client = clientOf(server.port, { protocol: 'session' });
  expect(await lastValueFrom(client.send('echo', 'a'))).toBe('answer');
});

test('a server that sends items without credit fails the stream, and its client goes away', async () => {
  let goingAway: Promise<string[] | undefined> | undefined;
  const server = await badAtFirst(async (peer) => {
    await greet(peer);
    await peer.takeHead('Q');
    for (let item = 0; item < 10; item++) peer.send('Nb1', { fill: 'x', length: 60_000 });
    goingAway = peer.takeHead('G');
  });
  const client = clientOf(server.port, { protocol: 'session', windowBytes: 65_536 });
  const iterator = client.stream('items', 'x')[Symbol.asyncIterator]();
  // Two items are within the window, and the reader takes none of them.
  const taken: unknown[] = [];
  const first = await iterator.next();
  taken.push(first.value);
  await expect.poll(() => goingAway).toBeDefined();
  expect(JSON.parse((await goingAway)?.[1] ?? '')).toMatchObject({ code: 'PROTOCOL_ERROR' });
  const failure = await xtcpFailureOf(
    (async () => {
      for (;;) if ((await iterator.next()).done === true) return;
    })(),
  );
  expect(failure.code).toBe('PROTOCOL_ERROR');
});

test('a server that never reads keeps the client from nothing but its own calls', async () => {
  const server = await badAtFirst(async (peer) => {
    await peer.take();
    peer.send('xtcp', '1', '{"maxFrame":2000000}');
    peer.raw.socket.pause();
  });
  const client = clientOf(server.port, { protocol: 'session', timeoutMs: 200, gracePeriodMs: 0 });
  const big = Buffer.alloc(1_000_000);
  const failures = await Promise.all(Array.from({ length: 20 }, () => xtcpFailureOf(client.send('echo', big))));
  for (const { code } of failures) expect(code).toBe('DEADLINE_EXCEEDED');
});

test('a server that is full for every call is told from one that is gone', async () => {
  const server = await badAtFirst(
    onceAsked((peer, id) => {
      peer.send(`E${id}`, '{"code":"RESOURCE_EXHAUSTED","message":"full","executed":false}');
    }),
  );
  const client = clientOf(server.port, { protocol: 'session' });
  expect(await xtcpFailureOf(client.send('echo', 'a'))).toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    executed: false,
    message: expect.stringContaining('full') as string,
  });
});
