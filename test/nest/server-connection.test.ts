import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { Observable } from 'rxjs';
import { beforeEach, expect, test } from 'vitest';

import type { XtcpServerOptions } from '../../src/index.js';
import { RawPeer } from '../support/raw.js';
import { startService } from '../support/service.js';
import { acceptedBy, told } from './support/accepted.js';
import { ask, requestBytes, takeAnswer } from './support/classic.js';
import { deferred, Happenings, type Deferred } from './support/deferred.js';

let begun: Happenings;
let gone: Happenings;
let gates: Map<string, Deferred<string>>;
let running: number;
let most: number;

beforeEach(() => {
  begun = new Happenings();
  gone = new Happenings();
  gates = new Map();
  running = 0;
  most = 0;
});

@Controller()
class GatesController {
  /** Ends when the test opens the gate of this name. */
  @MessagePattern('wait')
  async wait(@Payload() name: string): Promise<string> {
    const gate = deferred<string>();
    gates.set(name, gate);
    most = Math.max(most, ++running);
    begun.add(name);
    const result = await gate.promise;
    running--;
    return result;
  }

  @MessagePattern('echo')
  echo(@Payload() text: string): string {
    begun.add(text);
    return text;
  }

  /** Never ends by itself. */
  @MessagePattern('watch')
  watch(@Payload() name: string): Observable<string> {
    return new Observable((observer) => {
      begun.add(name);
      observer.next('a value that is not the last');
      return () => {
        gone.add(name);
      };
    });
  }
}

async function dialService(options: XtcpServerOptions = {}): Promise<RawPeer> {
  const { port } = await startService([GatesController], options);
  return RawPeer.dial(port);
}

function open(name: string): void {
  gates.get(name)?.resolve(`${name} done`);
}

test('a connection stays open after an answer, and takes further requests', async () => {
  const peer = await dialService();

  for (const text of ['one', 'two', 'three', '', 'five']) expect(await ask(peer, 'echo', text)).toBe(text);
  expect(peer.ended).toBe(false);
});

test('pipelined requests run side by side', async () => {
  const peer = await dialService();

  peer.send(Buffer.concat(['a', 'b', 'c'].map((name) => requestBytes('wait', name))));

  expect(await begun.count(3)).toEqual(['a', 'b', 'c']);
  for (const name of ['a', 'b', 'c']) open(name);
  expect(await takeAnswer(peer)).toBe('a done');
});

test('pipelined requests are answered in their order, whichever ends first', async () => {
  const peer = await dialService();

  peer.send(Buffer.concat([...['a', 'b', 'c'].map((name) => requestBytes('wait', name)), requestBytes('echo', 'd')]));
  await begun.count(4);
  for (const name of ['c', 'b', 'a']) open(name);

  const answers = [await takeAnswer(peer), await takeAnswer(peer), await takeAnswer(peer), await takeAnswer(peer)];
  expect(answers).toEqual(['a done', 'b done', 'c done', 'd']);
});

test('no more than maxCalls requests of one connection run at once, and all are answered', async () => {
  const peer = await dialService({ maxCalls: 2 });
  const names = ['a', 'b', 'c', 'd', 'e'];

  peer.send(Buffer.concat(names.map((name) => requestBytes('wait', name))));
  for (const [index, name] of names.entries()) {
    await begun.count(Math.min(index + 2, names.length));
    expect(running).toBe(Math.min(2, names.length - index));
    open(name);
    expect(await takeAnswer(peer)).toBe(`${name} done`);
  }
  expect(most).toBe(2);
  expect(begun.all).toEqual(names);
});

test('the limit of one connection does not hold back another', async () => {
  const { port } = await startService([GatesController], { maxCalls: 1 });
  const busy = await RawPeer.dial(port);
  busy.send(requestBytes('wait', 'a'));
  await begun.count(1);

  expect(await ask(await RawPeer.dial(port), 'echo', 'b')).toBe('b');
  open('a');
  expect(await takeAnswer(busy)).toBe('a done');
});

test('a client that half-closes behind its requests still gets all answers, then the end', async () => {
  const { port, server } = await startService([GatesController]);
  const accepted = acceptedBy(server);
  const peer = await RawPeer.dial(port);
  const [socket] = await accepted.count(1);
  const ended = told(socket!, 'end');

  peer.socket.end(Buffer.concat(['a', 'b'].map((name) => requestBytes('wait', name))));
  await begun.count(2);
  await ended;
  open('b');
  open('a');

  expect(await peer.takeAll()).toBe('6\r\na done\r\n\r\n6\r\nb done\r\n\r\n');
});

test('a client that half-closes behind more requests than run at once gets all answers', async () => {
  const peer = await dialService({ maxCalls: 1 });

  peer.socket.end(Buffer.concat(['a', 'b', 'c'].map((name) => requestBytes('echo', name))));

  expect(await peer.takeAll()).toBe('1\r\na\r\n\r\n1\r\nb\r\n\r\n1\r\nc\r\n\r\n');
});

test('a client that half-closes without a request gets the end', async () => {
  const peer = await dialService();

  peer.socket.end();

  expect(await peer.takeAll()).toBe('');
});

test('a peer that resets its connection has its Observables unsubscribed', async () => {
  const peer = await dialService();

  peer.send(Buffer.concat([requestBytes('watch', 'a'), requestBytes('watch', 'b')]));
  await begun.count(2);
  peer.socket.resetAndDestroy();

  expect((await gone.count(2)).toSorted()).toEqual(['a', 'b']);
});

test('a peer that resets its connection is noticed while its requests wait unread, too', async () => {
  const peer = await dialService({ maxCalls: 1 });

  peer.send(Buffer.concat([requestBytes('watch', 'a'), requestBytes('watch', 'b')]));
  await begun.count(1);
  peer.socket.resetAndDestroy();

  expect(await gone.count(1)).toEqual(['a']);
  expect(begun.all).toEqual(['a']);
});

test('a peer that closes without a reset has its Observables unsubscribed after halfCloseTimeoutMs', async () => {
  const peer = await dialService({ halfCloseTimeoutMs: 20 });

  peer.send(requestBytes('watch', 'a'));
  await begun.count(1);
  peer.socket.destroy();

  expect(await gone.count(1)).toEqual(['a']);
});

test('the calls of other connections go on when a peer is gone', async () => {
  const { port } = await startService([GatesController]);
  const leaving = await RawPeer.dial(port);
  const staying = await RawPeer.dial(port);
  leaving.send(requestBytes('watch', 'a'));
  staying.send(requestBytes('wait', 'b'));
  await begun.count(2);

  leaving.socket.resetAndDestroy();
  await gone.count(1);
  open('b');

  expect(await takeAnswer(staying)).toBe('b done');
});
