import { describe, expect, test } from 'vitest';

import { serviceOfFile } from './support/child.js';
import { clientIn, tcpClientIn } from './support/client.js';
import { outcomeOf, type Outcome } from './support/outcome.js';

/** The same application, over Nest's own transport and over this one. */
const tcp = serviceOfFile('parity', { transport: 'tcp' });
const xtcp = serviceOfFile('parity');

const HOW = ['object', 'text', 'unknown', 'filtered'];

const by = (handler: string) => (detail: unknown) => Reflect.get(detail as object, 'handler') === handler;

type Case = readonly [name: string, pattern: unknown, data: unknown];

async function bothOutcomes(pattern: unknown, data: unknown): Promise<{ nest: Outcome; here: Outcome }> {
  const nest = await outcomeOf((await tcpClientIn(tcp().port)).send(pattern, data));
  const here = await outcomeOf((await clientIn(xtcp().port)).send(pattern, data));
  return { nest, here };
}

const VALUES: Case[] = [
  ['a text', 'echo', 'text'],
  ['an object', 'echo', { a: [1, null, { b: 'x' }] }],
  ['false', 'echo', false],
  ['zero', 'echo', 0],
  ['an empty text', 'echo', ''],
  ['an array', 'echo', [1, 2]],
  ['a pattern that is an object', { cmd: 'add', version: 2 }, [1, 2, 3]],
  ['an object as pattern, its keys in another order', { version: 2, cmd: 'add' }, [1, 2]],
  ['a nested pattern', { a: 2, b: { c: 'x', d: 1 } }, 'x'],
  ['a number as pattern', 42, 'x'],
  ['one of several patterns', 'two', 'x'],
  ['an Observable without a value', 'observable', 'none'],
  ['an Observable with one value', 'observable', 'one'],
  ['an Observable with many values', 'observable', 'many'],
  ['an Observable whose values take their time', 'observable', 'later'],
  ['a promised Observable', 'observable', 'promised'],
  ['a returned null', 'nothing', 'null'],
  ['a returned undefined', 'nothing', 'undefined'],
  ['a promised undefined', 'nothing', 'promise'],
];

describe('the caller gets the same as over TCP:', () => {
  test.each(VALUES)('%s', async (_name, pattern, data) => {
    const { nest, here } = await bothOutcomes(pattern, data);
    expect(nest.error).toBeUndefined();
    expect(here).toStrictEqual(nest);
  });

  test.each(HOW)('an error of the handler: %s', async (how) => {
    for (const pattern of ['fails', 'fails later', 'fails in mid-stream']) {
      const { nest, here } = await bothOutcomes(pattern, how);
      expect(nest.error).toBeDefined();
      expect(here).toStrictEqual(nest);
    }
  });

  test('what a filter of the handler makes of an error', async () => {
    const { nest, here } = await bothOutcomes('fails with a filter', { from: 'caller' });
    expect(nest.error).toEqual({ filtered: 'of the domain', data: { from: 'caller' } });
    expect(here).toStrictEqual(nest);
  });

  test.each([
    ['pattern', null, 'x'],
    ['data', 'echo', undefined],
  ])('a %s that is missing', async (_name, pattern, data) => {
    const { nest, here } = await bothOutcomes(pattern, data);
    expect(nest.error).toBeInstanceOf(Error);
    expect(here).toStrictEqual(nest);
  });
});

describe.each([
  ["Nest's TCP", tcp, tcpClientIn],
  ['xtcp', xtcp, clientIn],
] as const)('over %s', (_name, service, clientFor) => {
  test('an event goes to all of its handlers, and emit() yields one undefined', async () => {
    const client = await clientFor(service().port);
    expect(await outcomeOf(client.emit('told', { number: 1 }))).toEqual({ values: [undefined], completed: true });
    const told = [];
    for (const handler of ['first', 'second', 'other']) {
      told.push(await service().noted('event', by(handler)));
    }
    for (const detail of told) expect(detail).toMatchObject({ data: { number: 1 } });
    expect(service().takeNotes('event')).toEqual([]);
  });

  test('the pattern of an event may be an object', async () => {
    const client = await clientFor(service().port);
    client.emit({ event: 'object' }, 'x');
    expect(await service().noted('event')).toEqual({ handler: 'object', data: 'x' });
  });

  test('the dispatch hook runs once for each packet, and its metadata arrives', async () => {
    const client = await clientFor(service().port);
    const seen: string[] = [];
    client.setOnDispatchHook((packet) => {
      seen.push(packet.pattern as string);
      packet.metadata = { trace: String(seen.length) };
    });
    const call = await outcomeOf(client.send('metadata', 'x'));
    expect(call.values).toEqual([{ metadata: { trace: '1' } }]);
    await outcomeOf(client.emit('told', 'x'));
    expect(await service().noted('event', by('first'))).toMatchObject({ metadata: { trace: '2' } });
    expect(seen).toEqual(['metadata', 'told']);
    for (const handler of ['second', 'other']) {
      await service().noted('event', by(handler));
    }
  });

  test('without a hook there is no metadata', async () => {
    const client = await clientFor(service().port);
    expect((await outcomeOf(client.send('metadata', 'x'))).values).toEqual([{ metadata: null }]);
  });
});
