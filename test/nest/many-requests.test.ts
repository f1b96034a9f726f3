import { Controller } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';

import { RawPeer } from '../support/raw.js';
import { clientOf, startService } from '../support/service.js';
import { answerBytes, requestBytes } from './support/classic.js';

const MANY = 3000;
const NAMES = Array.from({ length: MANY }, (_, index) => `call ${index}`);

let told = 0;

@Controller()
class EchoController {
  @MessagePattern('echo')
  echo(@Payload() text: string): string {
    return text;
  }

  @EventPattern('tell')
  tell(@Payload() _text: string): void {
    told++;
  }
}

test.each([1, 7, 100_000])(
  'thousands of requests in one write are answered in their order, with maxCalls %i',
  async (maxCalls) => {
    const { port } = await startService([EchoController], { maxCalls });
    const peer = await RawPeer.dial(port);

    peer.socket.end(Buffer.concat(NAMES.map((name) => requestBytes('echo', name))));

    expect(await peer.takeAll()).toBe(NAMES.map((name) => answerBytes(name)).join(''));
  },
);

test('thousands of requests that no handler takes are each told so', async () => {
  const { port } = await startService([EchoController], { maxCalls: 1 });
  const peer = await RawPeer.dial(port);

  peer.socket.end(Buffer.concat(NAMES.map((name) => requestBytes(name, ''))));

  const answers = await peer.takeAll();
  expect(answers.match(/XTCP Server: UNIMPLEMENTED: /g)).toHaveLength(MANY);
});

test.each([
  { connections: 10, pipelining: 1, queueTimeoutMs: 0 },
  { connections: 2, pipelining: 50, queueTimeoutMs: 0 },
])('hundreds of calls at once through one client (%j) each get their own answer', async (options) => {
  const { port } = await startService([EchoController]);
  const client = clientOf(port, options);

  const names = NAMES.slice(0, 500);

  const answers = await Promise.all(names.map((name) => firstValueFrom(client.send('echo', name))));

  expect(answers).toEqual(names);
});

test('thousands of events that nobody waits for are all told', async () => {
  told = 0;
  const { port } = await startService([EchoController]);
  const client = clientOf(port, { connections: 1, pipelining: 100, queueTimeoutMs: 0 });

  for (const name of NAMES) client.emit('tell', name);
  // Sent behind them on the one connection, so answered behind them.
  await firstValueFrom(client.send('echo', 'last'));

  expect(told).toBe(MANY);
});
