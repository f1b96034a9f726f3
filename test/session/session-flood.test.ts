import { describe, expect, it } from 'vitest';

import { calling, recorded, serving, type Calling, type Serving, type Wire } from './session-play.js';

const limits = { maxControlFramesPerSecond: 10 };
/** What a session with one call takes at once: a second's worth, and two for the call. */
const TAKEN = 12;

/** A server that has answered a call. */
function served(): Serving {
  const server = serving({ limits });
  server.send('Qt1', 'p', 'a');
  server.calls[0]?.answer('A');
  server.calls[0]?.leave();
  server.stream.take();
  return server;
}

/** A client that has had the answer to a call. */
function answered(): Calling {
  const client = calling({ limits });
  client.session.open(recorded());
  client.send('At1', 'A');
  client.stream.take();
  return client;
}

const EITHER: readonly (readonly [string, readonly string[]])[] = [
  ['pings', ['P1']],
  ['answers to pings that there were not', ['R1']],
  ['kinds in lower case', ['z1', 'whatever']],
  ['items of a call that has ended', ['Nt1', 'a']],
  ['ends of a call that has ended', ['C1']],
  ['errors of a call that has ended', ['E1', '{}']],
  ['credit for a call that has ended', ['W1 100']],
];

/** Whether the session has told the other side that it floods. */
function hasGivenUp({ frames }: Wire): boolean {
  return frames().some(
    ([head, message = '{}']) =>
      head === 'G' && (JSON.parse(message) as { code?: unknown }).code === 'RESOURCE_EXHAUSTED',
  );
}

function flood(wire: Wire, fields: readonly string[], count: number): void {
  for (let sent = 0; sent < count; sent++) wire.send(...fields);
}

describe.each<[string, () => Wire, readonly (readonly [string, readonly string[]])[]]>([
  ['server', served, [...EITHER, ['cancels of a call that has ended', ['X1']]]],
  ['client', answered, [...EITHER, ['answers to a call that has ended', ['At1', 'A']]]],
])('a %s', (_role, start, kinds) => {
  it.each(kinds)('takes so many %s, and gives up a peer that sends more', (_what, fields) => {
    const wire = start();
    flood(wire, fields, TAKEN);
    expect([hasGivenUp(wire), wire.stream.did]).toEqual([false, []]);
    wire.send(...fields);
    expect([hasGivenUp(wire), wire.stream.did]).toEqual([true, ['resume', 'end']]);
  });

  it.each(kinds)('takes %s at the rate without end', (_what, fields) => {
    const wire = start();
    for (let second = 0; second < 20; second++) {
      flood(wire, fields, 10);
      wire.clock.advance(1000);
    }
    expect(wire.stream.did).toEqual([]);
  });

  it('counts kinds together', () => {
    const wire = start();
    for (let sent = 0; sent < TAKEN; sent++) wire.send(...EITHER[sent % EITHER.length]![1]);
    expect(hasGivenUp(wire)).toBe(false);
    wire.send('P1');
    expect(hasGivenUp(wire)).toBe(true);
  });
});

describe('going away, over and over,', () => {
  const GOING = ['G', '{"code":"CANCELLED"}'] as const;

  it('is a flood for a server', () => {
    const server = serving({ limits });
    server.send('Qt1', 'p', 'a');
    flood(server, GOING, TAKEN);
    expect([hasGivenUp(server), server.broken]).toEqual([false, []]);
    server.send(...GOING);
    expect(hasGivenUp(server)).toBe(true);
    expect(server.broken).toMatchObject([{ code: 'RESOURCE_EXHAUSTED' }]);
  });

  it('is a flood for a client', () => {
    const client = calling({ limits });
    const call = recorded();
    client.session.open(call);
    flood(client, GOING, TAKEN);
    expect([hasGivenUp(client), call.log]).toEqual([false, []]);
    client.send(...GOING);
    expect(hasGivenUp(client)).toBe(true);
    expect(call.log).toEqual([['error', 'RESOURCE_EXHAUSTED', undefined, undefined]]);
  });
});

it('a server tells its owner of a flood', () => {
  const server = served();
  flood(server, ['P1'], TAKEN + 1);
  expect(server.broken).toMatchObject([{ code: 'RESOURCE_EXHAUSTED' }]);
});

it('the calls of a client whose server floods fail with that', () => {
  const client = answered();
  const call = recorded();
  client.session.open(call);
  flood(client, ['P1'], TAKEN + 3);
  expect(call.log).toEqual([['error', 'RESOURCE_EXHAUSTED', undefined, undefined]]);
});

describe('no flood is', () => {
  const ITEMS = 1500;

  it('credit for each item that a server sends', () => {
    const server = serving({ limits });
    server.send('Qt1', 'p', 'a');
    for (let item = 0; item < ITEMS; item++) {
      server.calls[0]?.items.push('x');
      server.send('W1 33');
    }
    expect(server.stream.did).toEqual([]);
  });

  it('credit for each item that a client sends', () => {
    const client = calling({ limits });
    client.session.open(
      recorded({
        input: (sender) => {
          for (let item = 0; item < ITEMS; item++) {
            sender.push('x');
            client.send('W1 33');
          }
        },
      }),
    );
    expect(client.stream.did).toEqual([]);
  });

  it('a cancel of each call', () => {
    const server = serving({ limits });
    for (let id = 1; id <= ITEMS; id++) {
      server.send(`Qt${id}`, 'p', 'a');
      server.calls.at(-1)?.answer('A');
      server.calls.at(-1)?.leave();
      server.send(`X${id}`);
    }
    expect(server.stream.did).toEqual([]);
  });

  it('a whole window of items behind a cancel: they were under way', () => {
    const client = calling({ limits });
    const cancel = client.session.open(recorded());
    client.send('Nt1', 'a');
    cancel();
    flood(client, ['N-1', ''], Math.floor((65_536 - 33) / 32) + 1);
    expect(client.stream.did).toEqual([]);
    flood(client, ['N-1', ''], 2 * TAKEN);
    expect(hasGivenUp(client)).toBe(true);
  });

  it('a whole window of items behind one that cannot be read', () => {
    const client = calling({ limits });
    client.session.open(recorded());
    client.send('Nj1', '{');
    flood(client, ['N-1', ''], Math.floor((65_536 - 33) / 32) + 1);
    expect(client.stream.did).toEqual([]);
  });

  it('a whole window of items behind the end of the call that was to read them', () => {
    const server = serving({ limits });
    server.send('Ot1', 'p', 'a');
    server.calls[0]?.answer('A');
    flood(server, ['N-1', ''], 65_536 / 32 + 1);
    expect(server.stream.did).toEqual([]);
    flood(server, ['N-1', ''], 2 * TAKEN);
    expect(hasGivenUp(server)).toBe(true);
  });
});
