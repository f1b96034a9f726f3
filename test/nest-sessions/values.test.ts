import { firstValueFrom } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { XtcpRecordBuilder, type Codec } from '../../src/index.js';
import { serviceOfFile } from './support/child.js';
import { clientIn, errorOf } from './support/client.js';

const service = serviceOfFile('values');

const DATE = '2024-02-29T12:00:00.000Z';
const VALUES: readonly (readonly [name: string, value: unknown, kind: string])[] = [
  ['a text', 'häl\r\nlo 😀', 'string'],
  ['an empty text', '', 'string'],
  ['a text that looks like JSON', '{"a":1}', 'string'],
  ['a text that starts with a byte order mark', '\ufeffa', 'string'],
  ['a text with a lone surrogate', 'a\ud800', 'string'],
  ['octets', Buffer.from([0, 1, 13, 10, 255]), 'Buffer'],
  ['no octets', Buffer.alloc(0), 'Buffer'],
  ['null', null, 'null'],
  ['zero', 0, 'number'],
  ['a fraction', -1.5e-7, 'number'],
  ['false', false, 'boolean'],
  ['an object', { a: [1, 'two', null], b: { c: true, d: DATE } }, 'object'],
  ['an empty object', {}, 'object'],
  ['an object with a key that Nest knows', { isDisposed: true, err: 'x', response: 2 }, 'object'],
  ['an array', [1, [2, []], 'x'], 'array'],
  ['an empty array', [], 'array'],
];

describe.each<Codec>(['json', 'msgpack'])('with the codec %s', (codec) => {
  test.each(VALUES)('%s arrives as what it was, and comes back as that', async (_name, value, kind) => {
    const client = await clientIn(service().port, { protocol: 'session', codec });
    const record = new XtcpRecordBuilder(value).build();

    expect(await firstValueFrom(client.send('kind', record))).toBe(kind);
    const echo = await firstValueFrom(client.send('echo', record));
    expect(echo).toStrictEqual(value);
    expect(Buffer.isBuffer(echo)).toBe(Buffer.isBuffer(value));
  });
});

test('undefined arrives as undefined', async () => {
  const client = await clientIn(service().port);
  expect(await firstValueFrom(client.send('kind', new XtcpRecordBuilder(undefined).build()))).toBe('undefined');
});

test('one call may ask for msgpack, which carries octets inside of an object', async () => {
  const client = await clientIn(service().port);
  const value = { octets: Buffer.from([0, 255]), at: new Date(DATE) };

  const record = new XtcpRecordBuilder(value).setCodec('msgpack').build();
  expect(await firstValueFrom(client.send('echo', record))).toStrictEqual(value);
  // With JSON it is what JSON.stringify makes of it.
  expect(await firstValueFrom(client.send('echo', value))).toStrictEqual(JSON.parse(JSON.stringify(value)));
});

test('a text of a megabyte and octets of a megabyte', async () => {
  const client = await clientIn(service().port);
  const text = 'ä\r\n'.repeat(250_000);
  const octets = Buffer.alloc(1_000_000, 'xyz\r\n');

  expect(await firstValueFrom(client.send('echo', text))).toBe(text);
  const echo = await firstValueFrom(client.send<Buffer>('echo', octets));
  expect(octets.equals(echo)).toBe(true);
});

test('calls of one connection are answered in any order, and one that waits holds nobody up', async () => {
  const client = await clientIn(service().port);
  const answers: string[] = [];
  const names = ['first', 'second', 'third'];
  const calls = names.map(async (name) => {
    answers.push(await firstValueFrom(client.send<string>('wait', name)));
  });
  for (const name of names) await service().noted('waiting', (detail) => detail === name);

  expect(await firstValueFrom(client.send('echo', 'at once'))).toBe('at once');
  expect(client.unwrap()).toHaveLength(1);
  for (const name of names.toReversed()) {
    await service().open(name);
    // A call behind the gate's opening is answered behind what the gate held, at the earliest.
    await firstValueFrom(client.send('echo', name));
  }
  await Promise.all(calls);
  expect(answers).toEqual(['third', 'second', 'first']);
});

test('a call keeps its place while its handler runs, cancelled or not; what finds none has not run', async () => {
  const client = await clientIn(service().port);
  const stuck = Array.from({ length: 100 }, () => client.send('wait', 'stuck').subscribe());
  for (const _ of stuck) await service().noted('waiting', (detail) => detail === 'stuck');
  for (const call of stuck) call.unsubscribe();

  const failure = await errorOf(firstValueFrom(client.send('echo', 'x')));
  expect(failure).toMatchObject({ code: 'RESOURCE_EXHAUSTED', executed: false });
  await service().open('stuck');
  expect(await firstValueFrom(client.send('echo', 'x'))).toBe('x');
});
