import { XTCP_ERROR_CODES } from '../../src/errors/xtcp-error.js';
import type { ClientSession } from '../../src/session/client-session.js';
import { requireMsgpack } from '../../src/wire/msgpack.js';
import { calling, framesIn, recorded, settled, type Recorded } from '../session/session-play.js';
import { fail } from './fail.js';
import { checkPlain } from './plain.js';
import { checkPrototypes } from './prototypes.js';
import type { Stream } from './streams.js';

/**
 * Whatever a server sends: the session throws nothing, tells each call one end, and nothing behind it; and when the
 * connection is gone, no call and no timer is left.
 */
export async function checkClientSession(stream: Stream): Promise<void> {
  const side = calling({ own: { codecs: ['m'] }, peer: { codecs: ['m'] }, msgpack: requireMsgpack('fuzzing') });
  const { calls, cancelled } = openCalls(side.session);
  for (const piece of stream) {
    side.stream.receive(Buffer.from(piece));
    for (const call of calls) call.take();
    await settled();
  }
  framesIn(side.stream.take());
  side.stream.receiveEnd();
  side.stream.close();
  await settled();
  for (const call of calls) checkTold(call);
  if (cancelled.log.length > 0) fail('a call was told something that was cancelled', cancelled.log);
  if (side.session.calls > 0) fail('calls are left', side.session.calls);
  if (side.session.hasRoom) fail('a session that is closed has room', side.told);
  if (side.clock.pending > 0) fail('timers are left', side.clock.pending);
  checkPrototypes();
}

/** One of each kind; the last is cancelled. */
function openCalls(session: ClientSession): { calls: Recorded[]; cancelled: Recorded } {
  const calls = [
    recorded(),
    recorded({ pattern: 'count' }),
    recorded({ kind: 'event', pattern: 'note', ack: 'handled' }),
    recorded({
      pattern: 'sum',
      input: (sender) => {
        for (let item = 0; item < 3; item++) sender.push(item);
      },
    }),
    recorded({ msgpack: true }),
  ];
  for (const call of calls) session.open(call);
  const cancelled = recorded();
  session.open(cancelled)();
  return { calls, cancelled };
}

function checkTold({ log }: Recorded): void {
  const ends = log.filter(([what]) => what !== 'value');
  if (ends.length !== 1) fail('a call was not told exactly one end', log);
  if (log.at(-1) !== ends[0]) fail('a call was told something behind its end', log);
  for (const [told, value] of log) if (told === 'value') checkPlain(value);
  const [what, code] = ends[0] ?? [];
  if (what === 'error' && !(XTCP_ERROR_CODES as readonly unknown[]).includes(code)) fail('an error has no code', log);
}
