import { describe, expect, it } from 'vitest';

import { serving, type Serving, type Terms } from './session-play.js';

/** A server with a call, an event and a call whose answer is out, and the reasons with which each was told to stop. */
function busy(terms: Terms = {}): Serving & { readonly stops: string[] } {
  const served = serving(terms);
  const stops: string[] = [];
  served.send('Qt1', 'p', 'a');
  served.send('Vt2', 'p', 'a');
  served.send('Qt3', 'p', 'a');
  for (const call of served.calls) {
    call.stopper = { stop: (reason) => stops.push(`${call.opened.id} ${reason.code}`) };
  }
  served.calls[2]?.answer('A');
  served.stream.take();
  return Object.assign(served, { stops });
}

describe('a connection that is lost', () => {
  it.each<[string, (served: Serving) => void]>([
    ['by an error', ({ stream }) => stream.close(new Error('gone'))],
    ['by its close', ({ stream }) => stream.close()],
    ['by the end of its input', ({ stream }) => stream.receiveEnd()],
    ['by the end of its input in the middle of a frame', ({ stream }) => (stream.receive('1'), stream.receiveEnd())],
  ])('%s stops its calls, once, and lets its events go on', (_how, lose) => {
    const served = busy();
    lose(served);
    expect(served.stops).toEqual(['1 UNAVAILABLE', '3 UNAVAILABLE']);
    expect(served.calls.map(({ isLive }) => isLive)).toEqual([false, false, false]);
    served.stream.close();
    for (const call of served.calls) call.leave();
    expect([served.stops.length, served.stream.take(), served.clock.pending]).toEqual([2, '', 0]);
  });

  it('is closed behind the end of its input', () => {
    const served = busy();
    served.stream.receiveEnd();
    expect(served.stream.did).toContain('end');
  });
});

describe('a server that is going away', () => {
  it('says so once, without a last call, and serves what still arrives', () => {
    const { session, send, calls, frames } = serving();
    send('Qt1', 'p', 'a');
    session.drain();
    session.drain();
    expect(frames()).toEqual([['G', '{"code":"UNAVAILABLE","reason":"the server is shutting down"}']]);
    send('Qt2', 'p', 'a');
    for (const call of calls) call.answer('A');
    expect(frames().map(([head]) => head)).toEqual(['At1', 'At2']);
  });

  it('stays until its client goes', () => {
    const { session, stream, send, calls } = serving();
    send('Qt1', 'p', 'a');
    session.drain();
    calls[0]?.answer('A');
    calls[0]?.leave();
    expect(stream.did).not.toContain('end');
  });

  it('names, at the end of its grace period, the last call that ran, stops what runs, and closes', () => {
    const served = busy();
    served.session.drain();
    served.session.cut();
    const [first, second] = served.frames().map(([head, json]) => [head, JSON.parse(json ?? '')] as const);
    expect(first).toMatchObject(['G', { code: 'UNAVAILABLE' }]);
    expect(second).toMatchObject(['G', { code: 'UNAVAILABLE', last: 3 }]);
    expect(served.stops).toEqual(['1 UNAVAILABLE', '3 UNAVAILABLE']);
    expect(served.stream.did.filter((what) => what === 'end')).toEqual(['end']);
    served.send('Qt4', 'p', 'a');
    expect([served.calls.length, served.stream.take()]).toEqual([3, '']);
  });

  it('that ran nothing says that nothing was the last', () => {
    const { session, frames } = serving();
    session.cut();
    expect(JSON.parse(frames()[0]?.[1] ?? '')).toMatchObject({ last: 0 });
  });
});

describe('a client that is going away', () => {
  it('has its calls finished, and then the connection closed', () => {
    const { send, calls, stream, heads } = serving();
    send('Qt1', 'p', 'a');
    send('Qt2', 'p', 'a');
    send('G', '{"code":"CANCELLED","reason":"bye"}');
    calls[1]?.answer('A');
    expect(stream.did).not.toContain('end');
    calls[0]?.answer('A');
    expect([heads(), stream.did]).toEqual([
      ['At2', 'At1'],
      ['resume', 'end'],
    ]);
  });

  it('and has no calls has the connection closed at once', () => {
    const { send, stream } = serving();
    send('G', '{}');
    expect(stream.did).toContain('end');
  });

  it('is not waited for by the handlers that still run for it', () => {
    const { send, calls, stream, broken } = serving();
    send('Vt1', 'p', 'a');
    calls[0]?.received();
    send('G', '{}');
    expect(stream.did).toContain('end');
    calls[0]?.leave();
    expect(broken).toEqual([]);
  });
});

describe('a client that does not read', () => {
  /** Far more than answers that are just on their way. */
  const MUCH = 2 * 1024 * 1024;

  it('is read from while little waits for it, so that large answers do not take turns with calls', () => {
    const { send, calls, stream } = serving();
    send('Qt1', 'p', 'a');
    stream.keepsUp = false;
    stream.pendingBytes = MUCH - 1;
    calls[0]?.answer('A');
    send('Qt2', 'p', 'a');
    expect([calls.length, stream.did]).toEqual([2, []]);
    stream.pendingBytes = MUCH;
    calls[1]?.answer('A');
    send('Qt3', 'p', 'a');
    expect([calls.length, stream.did]).toEqual([2, ['pause']]);
  });

  it('is read from less where less may wait for it', () => {
    const { send, calls, stream } = serving({ limits: { maxSendBufferSize: MUCH } });
    send('Qt1', 'p', 'a');
    stream.keepsUp = false;
    stream.pendingBytes = MUCH / 32;
    calls[0]?.answer('A');
    send('Qt2', 'p', 'a');
    expect([calls.length, stream.did]).toEqual([1, ['pause']]);
  });

  it('is not read from either, until it does again', () => {
    const { send, calls, stream } = serving();
    send('Qt1', 'p', 'a');
    send('Qt2', 'p', 'a');
    stream.keepsUp = false;
    stream.pendingBytes = MUCH;
    calls[0]?.answer('A');
    calls[1]?.answer('A');
    send('Qt3', 'p', 'a');
    expect([calls.length, stream.did]).toEqual([2, ['pause']]);
    stream.keepsUp = true;
    stream.drain();
    expect([calls.length, stream.did]).toEqual([3, ['pause', 'resume']]);
    send('Qt4', 'p', 'a');
    expect(calls).toHaveLength(4);
  });

  it('is not read from while it asks for signs of life, since those are written, too', () => {
    const { send, stream, heads } = serving();
    stream.keepsUp = false;
    stream.pendingBytes = MUCH;
    for (let ping = 1; ping <= 5; ping++) send(`P${ping}`);
    expect(heads()).toEqual(['R1']);
    expect(stream.did[0]).toBe('pause');
    stream.keepsUp = true;
    stream.drain();
    expect(heads()).toEqual(['R2', 'R3', 'R4', 'R5']);
  });
});

describe('a client that breaks the protocol', () => {
  const CALL = ['Qt1', 'p', 'a'];
  it.each<[string, string[]]>([
    ['with a call without a payload', ['Qt1', 'p']],
    ['with a call of id 0', ['Qt0', 'p', 'a']],
    ['with a call of an id that was used', ['Qt5', 'p', 'a']],
    ['with a call of a lower id', ['Qt4', 'p', 'a']],
    ['with a codec that was not agreed on', ['Qm6', 'p', 'a']],
    ['with a deadline over 2^31-1', ['Qt6 2147483648', 'p', 'a']],
    ['with an ack over 2', ['Vt6 3', 'p', 'a']],
    ['with the deadline of an event over 2^31-1', ['Vt6 1 2147483648', 'p', 'a']],
    ['with an item of a call without input', ['Nt5', 'a']],
    ['with an item of a call that was never opened', ['Nt6', 'a']],
    ['with an item without a payload', ['Nt5']],
    ['with the end of a call that was never opened', ['C6']],
    ['with an error of a call that was never opened', ['E6', '{}']],
    ['with an error without an error', ['E5']],
    ['with a cancel of a call that was never opened', ['X6']],
    ['with a cancel of the connection', ['X0']],
    ['with credit for a call that was never opened', ['W6 1']],
    ['with credit of nothing', ['W5 0']],
    ['with credit of no number', ['W5']],
    ['with credit beyond all bounds', ['W5 9007199254740991']],
    ['with an answer, which only servers give', ['At5', 'a']],
    ['with a kind that is not known', ['Z']],
    ['with no head', ['']],
    ['with going away without a reason', ['G']],
    ['with going away that is no JSON', ['G', '{']],
    ['with going away that is no object', ['G', '[]']],
    ['with the end of the input of a call that has none', ['C5']],
    ['with a head over 64 bytes', [`z${'1'.repeat(64)}`]],
  ])('%s is told so, and its connection closed', (_what, fields) => {
    const { send, calls, frames, stream, broken } = serving();
    send('Qt5', 'p', 'a');
    send(...fields);
    const [said, ...more] = frames();
    expect(said?.[0]).toBe('G');
    // What broke the rules did not run, whatever id it has.
    expect(JSON.parse(said?.[1] ?? '')).toMatchObject({ code: 'PROTOCOL_ERROR', last: 5 });
    expect([more, stream.did, broken.length]).toEqual([[], ['resume', 'end'], 1]);
    expect(calls.map(({ isLive }) => isLive)).toEqual([false]);
    send(...CALL);
    expect([calls.length, stream.take(), broken.length]).toEqual([1, '', 1]);
  });

  it('with what is no frame is told so, and with one that is too large, too', () => {
    for (const [bytes, code] of [
      ['GET / HTTP/1.1', 'PROTOCOL_ERROR'],
      ['99999999\r\n', 'RESOURCE_EXHAUSTED'],
    ] as const) {
      const { stream, frames, broken } = serving();
      stream.receive(bytes);
      expect(JSON.parse(frames()[0]?.[1] ?? '')).toMatchObject({ code });
      expect([stream.did, broken.length]).toEqual([['resume', 'end'], 1]);
    }
  });

  it('takes the deadline of 2^31-1, kinds in lower case, pings, and a ping that nobody asked for', () => {
    const { send, calls, heads, broken } = serving();
    send('Qt1 2147483647', 'p', 'a');
    send('z', 'whatever');
    send('a');
    send('P9007199254740991');
    send('R7');
    expect([calls.length, heads(), broken]).toEqual([1, ['R9007199254740991'], []]);
  });
});
