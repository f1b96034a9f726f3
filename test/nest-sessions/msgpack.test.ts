import { fileURLToPath } from 'node:url';

import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';

import { XtcpRecordBuilder } from '../../src/index.js';
import { serviceOfFile } from './support/child.js';
import { clientIn, errorOf } from './support/client.js';

const execArgv = ['--require', fileURLToPath(new URL('support/without-msgpack.cjs', import.meta.url))];
const withIt = serviceOfFile('asking');
const withoutIt = serviceOfFile('asking', { execArgv });

test('with msgpackr installed, a client and a call may ask for it', async () => {
  const client = await clientIn(withIt().port);
  expect(await firstValueFrom(client.send('client', 'x'))).toBe('XtcpClient');
  expect(await firstValueFrom(client.send('call', withIt().port))).toBe('{"a":1}');
});

test('without it, a client that asks for it cannot be made, and says what to do', async () => {
  const client = await clientIn(withoutIt().port);
  expect(await firstValueFrom(client.send('client', 'x'))).toMatch(/^INVALID_ARGUMENT: .*npm install msgpackr/);
});

test('without it, a call that asks for it fails, and says what to do', async () => {
  const client = await clientIn(withoutIt().port);
  const answer = await firstValueFrom(client.send('call', withIt().port));
  expect(answer).toMatch(/^INVALID_ARGUMENT: .*npm install msgpackr/);
});

test('a server without it is served JSON, and a call that insists on msgpack fails', async () => {
  const client = await clientIn(withoutIt().port);
  expect(await firstValueFrom(client.send('echo', { a: 1 }))).toEqual({ a: 1 });
  const record = new XtcpRecordBuilder({ a: 1 }).setCodec('msgpack').build();
  expect(await errorOf(firstValueFrom(client.send('echo', record)))).toMatchObject({ name: 'XtcpError' });
  // Which harms no other call.
  expect(await firstValueFrom(client.send('echo', { a: 2 }))).toEqual({ a: 2 });
});
