import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';

import type { XtcpClientOptions } from '../../src/index.js';
import type { RawPeer } from '../support/raw.js';
import { clientOf } from '../support/service.js';
import { answerBytes } from './support/classic.js';
import { xtcpFailureOf } from './support/failures.js';
import { scriptedServer } from './support/scripted-server.js';

/** What a server does with the connection on which a request has come, in the place of an answer. */
const FAILURES: Record<string, (peer: RawPeer) => void> = {
  'resets the connection': (peer) => {
    peer.socket.resetAndDestroy();
  },
  'closes without an answer': (peer) => {
    peer.socket.end();
  },
  'closes in mid-answer': (peer) => {
    peer.socket.end('10\r\nhalf');
  },
  'answers rubbish': (peer) => {
    peer.send('rubbish');
  },
  'answers nothing in time': () => {},
};

test.each(Object.entries(FAILURES))(
  'a request is sent once where the server %s, and the next call is its own',
  async (_how, fail) => {
    const { port, requests } = await scriptedServer((peer, { method }) => {
      if (method === 'lost') fail(peer);
      else peer.send(answerBytes('fine'));
    });
    const client = clientOf(port, { connections: 1, requestTimeoutMs: 200 });

    await xtcpFailureOf(client.send('lost', '1'));
    await xtcpFailureOf(client.emit('lost', '2'));

    // Were a request sent again, it would be there before this one, since there is one connection at a time.
    expect(await firstValueFrom(client.send('fine', '3'))).toBe('fine');
    expect(requests.all.map(({ params }) => params)).toEqual(['1', '2', '3']);
  },
);

test.each([{}, { pipelining: 4 }] satisfies XtcpClientOptions[])(
  'requests on a connection that is lost are sent once each, on a connection used before, too (%j)',
  async (options) => {
    const { port, requests } = await scriptedServer((peer, { params }) => {
      if (params.startsWith('lost')) peer.socket.resetAndDestroy();
      else peer.send(answerBytes('fine'));
    });
    const client = clientOf(port, { connections: 1, ...options });
    for (const warmUp of ['1', '2', '3']) await firstValueFrom(client.send('call', warmUp));

    const lost = ['lost 1', 'lost 2', 'lost 3'];
    const failed = await Promise.all(lost.map((params) => xtcpFailureOf(client.send('call', params))));
    expect(await firstValueFrom(client.send('call', '4'))).toBe('fine');

    expect(failed.map(({ code }) => code)).toEqual(['UNAVAILABLE', 'UNAVAILABLE', 'UNAVAILABLE']);
    const sent = requests.all.map(({ params }) => params);
    expect(new Set(sent).size).toBe(sent.length);
  },
);

test('calls that wait for their turn are sent, each once, when the connection before them is lost', async () => {
  const { port, requests } = await scriptedServer((peer, { params }) => {
    if (params === 'lost') peer.socket.resetAndDestroy();
    else peer.send(answerBytes(params));
  });
  const client = clientOf(port, { connections: 1 });
  const lost = xtcpFailureOf(client.send('call', 'lost'));
  const others = ['a', 'b', 'c'].map((params) => firstValueFrom(client.send('call', params)));

  expect((await lost).code).toBe('UNAVAILABLE');
  expect(await Promise.all(others)).toEqual(['a', 'b', 'c']);
  expect(requests.all.map(({ params }) => params)).toEqual(['lost', 'a', 'b', 'c']);
});
