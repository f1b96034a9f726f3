import type { XtcpServerOptions } from '../../src/index.js';
import type { RawPeer } from '../support/raw.js';
import type { Service } from '../support/service.js';
import type { Vector } from './notation.js';
import { PlayedPeer, type Cut } from './played-peer.js';
import { optionsOf } from './setup.js';

/** A service that was started, and how to reach it. */
export interface Reachable {
  readonly service: Service;
  dial(this: void): Promise<RawPeer>;
}

/**
 * Plays a client of a service that `start` starts.
 * @returns how many steps were played
 */
export async function playServer(
  vector: Vector,
  cut: Cut,
  start: (options: XtcpServerOptions) => Promise<Reachable>,
): Promise<number> {
  const { service, dial } = await start(optionsOf(vector.setup));
  const raw = await dial();
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
    closing = service.app.close();
  }
  await peer.flush();
  peer.expectNoRest();
  raw.socket.destroy();
  await closing;
  return steps;
}
