import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { firstValueFrom, Observable } from 'rxjs';
import { beforeEach, expect, test } from 'vitest';

import { clientOf, startService } from '../support/service.js';
import { answerBytes } from './support/classic.js';
import { deafPort } from './support/deaf-port.js';
import { deferred, Happenings, type Deferred } from './support/deferred.js';
import { xtcpFailureOf } from './support/failures.js';
import { scriptedServer } from './support/scripted-server.js';

let begun: Happenings;
let gone: Happenings;
let gate: Deferred<string>;

beforeEach(() => {
  begun = new Happenings();
  gone = new Happenings();
  gate = deferred<string>();
});

@Controller()
class SlowController {
  @MessagePattern('wait')
  wait(@Payload() name: string): Promise<string> {
    begun.add(name);
    return gate.promise;
  }

  @MessagePattern('watch')
  watch(@Payload() name: string): Observable<string> {
    return new Observable(() => {
      begun.add(name);
      return () => {
        gone.add(name);
      };
    });
  }

  @MessagePattern('echo')
  echo(@Payload() name: string): string {
    begun.add(name);
    return name;
  }
}

test('connectTimeoutMs: a call to a server that does not accept fails, typed, and was not executed', async () => {
  const port = await deafPort();
  const client = clientOf(port, { connectTimeoutMs: 30 });

  const error = await xtcpFailureOf(client.send('echo', 'secret'));

  expect(error).toMatchObject({
    code: 'UNAVAILABLE',
    executed: false,
    pattern: 'echo',
    endpoint: `127.0.0.1:${port}`,
  });
  expect(error.message).toMatch(/30 ms \(connectTimeoutMs\)/);
  expect(error.message).not.toContain('secret');
});

test('connectTimeoutMs holds for connect, too', async () => {
  const client = clientOf(await deafPort(), { connectTimeoutMs: 30 });

  expect((await xtcpFailureOf(client.connect())).message).toMatch(/30 ms \(connectTimeoutMs\)/);
});

test('queueTimeoutMs: a call that waits too long for a connection fails, typed, and is never sent', async () => {
  const { port } = await startService([SlowController]);
  const client = clientOf(port, { connections: 1, queueTimeoutMs: 30 });
  const first = firstValueFrom(client.send('wait', 'a'));
  await begun.count(1);

  const error = await xtcpFailureOf(client.send('echo', 'secret'));

  expect(error).toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    executed: false,
    pattern: 'echo',
    endpoint: `127.0.0.1:${port}`,
  });
  expect(error.message).toMatch(/30 ms \(queueTimeoutMs\)/);
  expect(error.message).not.toContain('secret');
  gate.resolve('done');
  expect(await first).toBe('done');
  expect(await firstValueFrom(client.send('echo', 'next'))).toBe('next');
  expect(begun.all).toEqual(['a', 'next']);
});

test('queueTimeoutMs does not count once a call has its connection', async () => {
  const { port } = await startService([SlowController]);
  const client = clientOf(port, { connections: 1, queueTimeoutMs: 30 });
  const first = firstValueFrom(client.send('wait', 'a'));
  await begun.count(1);

  // The call behind it runs into the limit, so that the first has been under way for longer than that.
  await xtcpFailureOf(client.send('echo', 'b'));
  gate.resolve('done');

  expect(await first).toBe('done');
});

test('requestTimeoutMs: a call that is not answered in time fails, typed, and frees its slot', async () => {
  const { port } = await startService([SlowController]);
  const client = clientOf(port, { connections: 1, requestTimeoutMs: 200 });

  const error = await xtcpFailureOf(client.send('watch', 'secret'));

  expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED', pattern: 'watch', endpoint: `127.0.0.1:${port}` });
  expect(error.executed).toBeUndefined();
  expect(error.message).toMatch(/200 ms \(requestTimeoutMs\)/);
  expect(error.message).not.toContain('secret');
  expect(await firstValueFrom(client.send('echo', 'next'))).toBe('next');
  expect(await gone.count(1)).toEqual(['secret']);
});

test('requestTimeoutMs holds for events, too', async () => {
  const { port } = await startService([SlowController]);

  const error = await xtcpFailureOf(clientOf(port, { requestTimeoutMs: 30 }).emit('wait', 'a'));

  expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED', pattern: 'wait' });
});

test('requestTimeoutMs counts from the request being sent, not while the call waits its turn', async () => {
  const { port, requests } = await scriptedServer((peer, { method, params }) => {
    if (method === 'echo') peer.send(answerBytes(params));
  });
  const client = clientOf(port, { connections: 1, requestTimeoutMs: 200 });

  // Each waits for the ones before it to time out: longer, together, than the limit of one.
  const errors = await Promise.all(['a', 'b'].map((name) => xtcpFailureOf(client.send('ignore', name))));
  expect(errors.map(({ code }) => code)).toEqual(['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED']);
  expect(await firstValueFrom(client.send('echo', 'c'))).toBe('c');
  expect(requests.all.map(({ params }) => params)).toEqual(['a', 'b', 'c']);
});

test('with 0 the limits are switched off', async () => {
  const { port } = await startService([SlowController]);
  const patient = clientOf(port, { connections: 1, connectTimeoutMs: 0, queueTimeoutMs: 0, requestTimeoutMs: 0 });
  const first = firstValueFrom(patient.send('wait', 'a'));
  const second = firstValueFrom(patient.send('echo', 'b'));
  await begun.count(1);

  // Another client runs into limits meanwhile.
  await xtcpFailureOf(clientOf(port, { requestTimeoutMs: 30 }).send('wait', 'c'));
  gate.resolve('done');

  expect([await first, await second]).toEqual(['done', 'b']);
});
