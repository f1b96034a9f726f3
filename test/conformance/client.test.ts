import { describe, expect, test } from 'vitest';

import type { XtcpClient, XtcpClientOptions } from '../../src/index.js';
import { rawServer, type RawPeer } from '../support/raw.js';
import { clientOf } from '../support/service.js';
import { Actions } from './actions.js';
import { readVectors, type Vector } from './notation.js';
import { PlayedPeer, type Cut } from './played-peer.js';
import { optionsOf } from './setup.js';

/** The client under test, set up as a vector says. */
function clientOptions(setup: Vector['setup']): XtcpClientOptions {
  // The vectors say what becomes of each attempt.
  return { protocol: 'auto', requestTimeoutMs: 0, gracePeriodMs: 200, retries: 0, ...optionsOf(setup) };
}

/** The played server: its connections, in the order in which they came. */
class PlayedServer {
  private readonly raws: RawPeer[] = [];
  private readonly peers: PlayedPeer[] = [];
  private onConnection: (() => void) | undefined;
  /** Connections that the vector is about; the client may open others by itself where one was lost. */
  private awaited = 0;

  constructor(private readonly cut: Cut) {}

  readonly serve = (raw: RawPeer): void => {
    this.raws.push(raw);
    this.peers.push(new PlayedPeer(raw, this.cut));
    this.onConnection?.();
  };

  /** @param number counted from 1 */
  async connection(number: number): Promise<PlayedPeer> {
    this.awaited = Math.max(this.awaited, number);
    for (;;) {
      const peer = this.peers[number - 1];
      if (peer !== undefined) return peer;
      await new Promise<void>((resolve) => {
        this.onConnection = resolve;
      });
    }
  }

  /** Puts on the wire what is to be sent, on whichever connection. */
  async flush(): Promise<void> {
    for (const peer of this.peers) await peer.flush();
  }

  async end(): Promise<void> {
    await this.flush();
    for (const peer of this.peers.slice(0, this.awaited)) peer.expectNoRest();
    for (const { socket } of this.raws) socket.destroy();
  }
}

/** @returns how many steps were played */
async function playClient(vector: Vector, cut: Cut): Promise<number> {
  const server = new PlayedServer(cut);
  const { port } = await rawServer(server.serve);
  const client = clientOf(port, clientOptions(vector.setup));
  const actions = new Actions(client);
  let current = 1;
  let played = 0;
  if (vector.opened !== undefined) await open(server, client, vector.opened);
  for (const step of vector.steps) {
    played++;
    if (!('send' in step || 'sendBytes' in step)) await server.flush();
    if ('outcome' in step) {
      await actions.compare(step);
    } else if ('do' in step) {
      await actions.run(step);
    } else if ('accept' in step) {
      current = step.accept;
      await server.connection(current);
    } else {
      const peer = await server.connection(step.on ?? current);
      await peer.play(step);
    }
  }
  await server.end();
  actions.stop();
  await actions.closed;
  return played;
}

async function open(server: PlayedServer, client: XtcpClient, hello: object): Promise<void> {
  const connected = client.connect();
  const peer = await server.connection(1);
  await peer.play({ expect: ['xtcp', '1', { contains: {}, lacks: ['error'] }] });
  await peer.play({ send: ['xtcp', '1', { json: hello }] });
  await peer.flush();
  await connected;
}

describe.each(readVectors('client'))('a client and %s', (_file, vectors) => {
  describe.each(vectors.map((vector) => ({ name: vector.name, vector })))('$name', ({ vector }) => {
    test.each(['whole', 'byte by byte'] as const)('%s', async (cut) => {
      expect(await playClient(vector, cut)).toBe(vector.steps.length);
    });
  });
});
