import type { ServedCall } from '../../src/session/served-call.js';
import type { ServedCalls } from '../../src/session/served-calls.js';
import { requireMsgpack } from '../../src/wire/msgpack.js';
import { framesIn, serving, settled, type Serving } from '../session/session-play.js';
import { checkPlain } from './plain.js';
import { checkPrototypes } from './prototypes.js';
import { fail } from './fail.js';
import type { Stream } from './streams.js';

const MAX_CALLS = 100;

/** What is looked at inside of a session. */
interface Inside {
  readonly state: 'open' | 'ending' | 'closed';
  /** Undefined before the first. */
  readonly calls: ServedCalls | undefined;
  /** Its decoder is undefined between two frames. */
  readonly frames: { readonly decoder: { readonly midFrame: boolean } | undefined };
}

/**
 * Whatever a client sends: the session throws nothing, it goes on serving or says `G` and closes, ends each call once,
 * and when the connection is gone no call and no timer is left.
 */
export async function checkServerSession(stream: Stream): Promise<void> {
  const side = serving({ own: { codecs: ['m'] }, peer: { codecs: ['m'] }, msgpack: requireMsgpack('fuzzing') });
  const inside = side.session as unknown as Inside;
  const running: ServedCall[] = [];
  const reading: Promise<void>[] = [];
  let served = 0;
  let written = '';
  for (const piece of stream) {
    const wasOpen = inside.state === 'open';
    side.stream.receive(Buffer.from(piece));
    if (!wasOpen && side.calls.length > served) fail('a call was served behind the end', side.calls.length);
    for (const call of side.calls.slice(served)) serve(call, running, reading);
    served = side.calls.length;
    await settled();
    written += side.stream.take();
    const places = inside.calls?.running ?? 0;
    if (places > MAX_CALLS) fail('more calls run than there are places', places);
  }
  const said = checkFrames(written);
  if (side.broken.length > 1) fail('a breach was told more than once', side.broken);
  if (side.broken.length === 1 && said.at(-1)?.startsWith('G') !== true)
    fail('a breach was not told to the peer', said);
  if (inside.state === 'open') checkServesOn(side, inside);
  else if (!side.stream.did.includes('end')) fail('the connection was not closed', side.stream.did);
  side.stream.receiveEnd();
  side.stream.close();
  for (const call of running) call.leave();
  await Promise.all(reading);
  const { calls } = inside;
  if (served > 0 && calls === undefined) fail('the calls are not where they were', served);
  if (calls !== undefined) {
    if (calls.waitedFor !== 0) fail('calls are left that are waited for', calls.waitedFor);
    if (calls.values().length > 0) fail('calls are left', calls.values().length);
    if (calls.running !== 0) fail('places are left', calls.running);
  }
  if (side.clock.pending > 0) fail('timers are left', side.clock.pending);
  checkPrototypes();
}

/** Does with a call one of the things that handlers do. */
function serve(call: ServedCall, running: ServedCall[], reading: Promise<void>[]): void {
  const done = (): void => {
    call.leave();
  };
  call.stopper = { stop: done };
  checkPlain(call.opened.data);
  if (call.input !== undefined) {
    reading.push(readAll(call));
    return;
  }
  switch (call.opened.id % 4) {
    case 0:
      call.answer(call.opened.data);
      done();
      break;
    case 1:
      call.items.pull(threeItems());
      running.push(call);
      break;
    case 2:
      running.push(call);
      break;
    default:
      call.received();
      call.complete();
      done();
  }
}

async function readAll(call: ServedCall): Promise<void> {
  const taken: unknown[] = [];
  try {
    for await (const item of call.input ?? []) taken.push(item);
    call.answer(taken.length);
  } catch {
    call.complete();
  }
  call.leave();
  for (const item of taken) checkPlain(item);
}

async function* threeItems(): AsyncGenerator<string> {
  yield* ['one', 'two', 'three'];
}

/** What was written are whole frames, and nothing stands behind the end of a call. @returns their heads */
function checkFrames(written: string): string[] {
  const heads = framesIn(written).map(([head]) => head ?? '');
  const ended = new Set<string>();
  for (const head of heads) {
    const [, kind, id] = /^([ANCE])[-tjbm]?(\d+)$/.exec(head) ?? [];
    if (kind === undefined || id === undefined) continue;
    if (ended.has(id)) fail('something stands behind the end of a call', heads);
    if (kind !== 'N') ended.add(id);
  }
  return heads;
}

/** A session that is open, and not in the middle of a frame, answers a ping. */
function checkServesOn(side: Serving, { frames }: Inside): void {
  if (frames.decoder?.midFrame === true) return;
  side.send('P77');
  const heads = framesIn(side.stream.take()).map(([head]) => head);
  if (heads[0] !== 'R77') fail('a ping was not answered', heads);
}
