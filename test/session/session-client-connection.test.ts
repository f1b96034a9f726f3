import { describe, expect, it } from 'vitest';

import { XtcpError } from '../../src/errors/xtcp-error.js';
import { calling, recorded, type Calling, type Recorded, type Terms } from './session-play.js';

/** A client with a call and an event that run. */
function busy(terms: Terms = {}): Calling & { readonly first: Recorded; readonly second: Recorded } {
  const client = calling(terms);
  const [first, second] = [recorded(), recorded({ kind: 'event', ack: 'handled' })];
  client.session.open(first);
  client.session.open(second);
  client.stream.take();
  return Object.assign(client, { first, second });
}

const failed = (code: string, executed?: false): unknown[] => [['error', code, executed, undefined]];

describe('a connection that is lost', () => {
  it.each<[string, (client: Calling) => void]>([
    ['by an error', ({ stream }) => stream.close(new Error('gone'))],
    ['by its close', ({ stream }) => stream.close()],
    ['by the end of its input', ({ stream }) => stream.receiveEnd()],
    ['by the end of its input in the middle of a frame', ({ stream }) => (stream.receive('1'), stream.receiveEnd())],
  ])('%s fails its calls, once, and takes no more', (_how, lose) => {
    const client = busy();
    lose(client);
    expect([client.first.log, client.second.log]).toEqual([failed('UNAVAILABLE'), failed('UNAVAILABLE')]);
    expect([client.told, client.session.hasRoom, client.session.calls]).toEqual([['leaving'], false, 0]);
    client.stream.close();
    expect([client.first.log.length, client.told.length, client.clock.pending]).toEqual([1, 1, 0]);
  });
});

describe('a client that drains', () => {
  it('says so once, lets its calls finish, and closes behind the last', () => {
    const { session, first, told, send, frames, stream } = busy();
    session.drain();
    session.drain();
    expect(frames()).toEqual([['G', '{"code":"CANCELLED","reason":"the client is closing"}']]);
    expect([told, session.hasRoom]).toEqual([['leaving'], false]);
    send('At1', 'A');
    expect([first.log.length, stream.did]).toEqual([2, []]);
    send('C2');
    expect([stream.did, told]).toEqual([['resume', 'end'], ['leaving']]);
  });

  it('closes behind a call that is cancelled, too', () => {
    const { session, send, stream, heads } = calling();
    const cancel = session.open(recorded());
    session.open(recorded());
    session.drain();
    send('C2');
    expect(stream.did).toEqual([]);
    cancel();
    expect([heads(), stream.did]).toEqual([
      ['Qt1', 'Qt2', 'G', 'X1'],
      ['resume', 'end'],
    ]);
  });

  it('closes at once where it has no calls', () => {
    const { session, stream, heads } = calling();
    session.drain();
    expect([heads(), stream.did]).toEqual([['G'], ['resume', 'end']]);
  });

  it('is gone a second behind its last word, though the server does not end', () => {
    const { session, stream, clock } = calling();
    session.drain();
    clock.advance(999);
    expect(stream.did).not.toContain('destroy');
    clock.advance(1);
    expect(stream.did).toContain('destroy');
  });
});

it('a client that is destroyed fails its calls, and lets go of the connection at once', () => {
  const { session, first, second, stream, told } = busy();
  session.destroy(new XtcpError('CANCELLED', 'the client was closed'));
  expect([first.log, second.log]).toEqual([failed('CANCELLED'), failed('CANCELLED')]);
  expect([stream.did, told, stream.take()]).toEqual([['destroy'], ['leaving'], '']);
});

describe('a server that is going away', () => {
  it('without naming a last call lets all calls finish, and then the client closes', () => {
    const { session, first, told, send, stream, heads } = busy();
    send('G', '{"code":"UNAVAILABLE","reason":"restart"}');
    expect([told, session.hasRoom, first.log]).toEqual([['leaving'], false, []]);
    send('At1', 'A');
    expect([first.log.length, stream.did]).toEqual([2, []]);
    send('C2');
    expect([stream.did, heads(), told]).toEqual([['resume', 'end'], [], ['leaving']]);
  });

  it('and naming a last call has not executed those above it', () => {
    const { first, second, send, stream } = busy();
    send('G', '{"code":"UNAVAILABLE","reason":"restart","last":1}');
    expect([first.log, second.log]).toEqual([[], failed('UNAVAILABLE', false)]);
    send('At1', 'A');
    expect([first.log.length, stream.did]).toEqual([2, ['resume', 'end']]);
  });

  it('may name a last call later, and again a lower one', () => {
    const { first, second, told, send } = busy();
    send('G', '{}');
    send('G', '{"last":2}');
    expect([first.log, second.log]).toEqual([[], []]);
    send('G', '{"last":1}');
    send('G', '{"last":0}');
    expect([first.log, second.log]).toEqual([failed('UNAVAILABLE', false), failed('UNAVAILABLE', false)]);
    expect(told).toEqual(['leaving']);
  });

  it('while the client has no calls has the connection closed', () => {
    const { send, stream, told } = calling();
    send('G', '{}');
    expect([stream.did, told]).toEqual([['resume', 'end'], ['leaving']]);
  });

  it.each(['PROTOCOL_ERROR', 'RESOURCE_EXHAUSTED'])('because of %s fails all calls with that', (code) => {
    const { first, second, send, stream } = busy();
    send('G', JSON.stringify({ code, reason: 'what' }));
    expect([first.log, second.log, stream.did]).toEqual([failed(code), failed(code), ['resume', 'end']]);
  });

  it('for a reason that cannot be read goes away all the same', () => {
    const { first, send, told } = busy();
    send('G', '{"code":7,"reason":{},"last":"1"}');
    send('G', '{"last":-1}');
    send('G', '{"last":0.5}');
    expect([told, first.log]).toEqual([['leaving'], []]);
  });

  it('is skipped where the client has gone already', () => {
    const { session, send, stream } = calling();
    session.drain();
    send('G', '{}');
    send('Z');
    expect(stream.did).toEqual(['resume', 'end']);
  });
});

describe('a server that breaks the protocol', () => {
  it.each<[string, string[]]>([
    ['with an answer to a call that was never made', ['At3', 'a']],
    ['with an item of a call that was never made', ['Nt3', 'a']],
    ['with the end of a call that was never made', ['C3']],
    ['with an error of a call that was never made', ['E3', '{}']],
    ['with credit for a call that was never made', ['W3 1']],
    ['with an answer of id 0', ['At0', 'a']],
    ['with an answer without a payload', ['At1']],
    ['with an item without a payload', ['Nt1']],
    ['with an error without an error', ['E1']],
    ['with a codec that was not agreed on', ['Am1', '\x01']],
    ['with credit of nothing', ['W1 0']],
    ['with a call, which only clients make', ['Qt3', 'p', 'a']],
    ['with an event', ['Vt3', 'p', 'a']],
    ['with a cancel', ['X1']],
    ['with an item of an event', ['Nt2', 'a']],
    ['with an answer to an event', ['At2', 'a']],
    ['with going away that is no JSON object', ['G', '[]']],
    ['with a kind that is not known', ['Z']],
    ['with no head', ['']],
    ['with going away without a reason', ['G']],
  ])('%s is told so, its calls fail, and the connection is closed', (_what, fields) => {
    const { session, first, second, send, frames, stream, told } = busy();
    send(...fields);
    const [said, ...more] = frames();
    expect(said?.[0]).toBe('G');
    expect(JSON.parse(said?.[1] ?? '')).toMatchObject({ code: 'PROTOCOL_ERROR' });
    expect([first.log, second.log]).toEqual([failed('PROTOCOL_ERROR'), failed('PROTOCOL_ERROR')]);
    expect([more, stream.did, told, session.hasRoom]).toEqual([[], ['resume', 'end'], ['leaving'], false]);
  });

  it('with a frame that is too large is told so', () => {
    const { first, stream, frames } = busy();
    stream.receive('99999999\r\n');
    expect(JSON.parse(frames()[0]?.[1] ?? '')).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    expect(first.log).toEqual(failed('RESOURCE_EXHAUSTED'));
  });

  it('may send kinds in lower case, fields and numbers beyond those known, and pings', () => {
    const { first, send, heads } = busy();
    send('z', 'whatever');
    send('P3 4', 'later');
    send('At1 5', 'A', '', 'later');
    expect([heads(), first.log.length]).toEqual([['R3'], 2]);
  });
});
