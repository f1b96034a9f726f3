import { describe, expect, test } from 'vitest';

import type { XtcpServerOptions } from '../../src/index.js';
import { RawPeer } from '../support/raw.js';
import { startService } from '../support/service.js';
import { readVectors, type Vector } from './notation.js';
import { PlayedPeer, type Cut } from './played-peer.js';
import { Patterns } from './patterns.js';

/** The service under test, set up as a vector says; the names of README.md are those of the protocol. */
function optionsOf(setup: Vector['setup'] = {}): XtcpServerOptions {
  const {
    window = 65_536,
    maxFrame = 1_048_576,
    keepAlive,
    ...others
  } = setup as {
    window?: number;
    maxFrame?: number;
    keepAlive?: { intervalMs: number; timeoutMs: number };
  };
  return {
    windowBytes: window,
    maxFrameBytes: maxFrame,
    ...(keepAlive && { keepAliveIntervalMs: keepAlive.intervalMs, keepAliveTimeoutMs: keepAlive.timeoutMs }),
    ...others,
  };
}

/** @returns how many steps were played */
async function playServer(vector: Vector, cut: Cut): Promise<number> {
  const { app, port } = await startService([Patterns], optionsOf(vector.setup));
  const raw = await RawPeer.dial(port);
  const peer = new PlayedPeer(raw, cut);
  if (vector.opened !== undefined) {
    await peer.play({ send: ['xtcp', '1', { json: vector.opened }] });
    await peer.play({ expect: ['xtcp', '1', { contains: {}, lacks: ['error'] }] });
  }
  let closing: Promise<void> | undefined;
  let steps = 0;
  for (const step of vector.steps) {
    steps++;
    const played = await peer.play(step);
    if (played) continue;
    if (!('do' in step) || step.do !== 'shutDown') throw new Error(`a server cannot ${JSON.stringify(step)}`);
    closing = app.close();
  }
  await peer.flush();
  peer.expectNoRest();
  raw.socket.destroy();
  await closing;
  return steps;
}

describe.each(readVectors('server'))('a server and %s', (_file, vectors) => {
  describe.each(vectors.map((vector) => ({ name: vector.name, vector })))('$name', ({ vector }) => {
    test.each(['whole', 'byte by byte'] as const)('%s', async (cut) => {
      expect(await playServer(vector, cut)).toBe(vector.steps.length);
    });
  });
});
