import { once } from 'node:events';

import { firstValueFrom } from 'rxjs';
import { describe, expect, test, vi } from 'vitest';

import { XtcpRecordBuilder } from '../../src/index.js';
import { serviceOfFile, serviceOfTest } from './support/child.js';
import { clientIn, errorOf, tcpClientIn } from './support/client.js';
import { outcomeOf } from './support/outcome.js';

// Most tests start processes of their own.
vi.setConfig({ testTimeout: 30_000 });

describe.each(['inherit', 'plain'] as const)('a hybrid application (%s its configuration)', (hybrid) => {
  const tcp = serviceOfFile('parity', { hybrid, transport: 'tcp' });
  const xtcp = serviceOfFile('parity', { hybrid });

  test('answers calls as over TCP, and HTTP beside', async () => {
    const nest = await tcpClientIn(tcp().port);
    const here = await clientIn(xtcp().port);
    for (const [pattern, data] of [
      ['echo', { a: 1 }],
      [{ cmd: 'add', version: 2 }, [1, 2]],
      ['observable', 'many'],
      ['nothing', 'undefined'],
      ['fails', 'object'],
      ['fails', 'unknown'],
      // A filter that is the application's, which its microservices have where they inherit.
      ['fails', 'filtered'],
      ['fails in mid-stream', 'filtered'],
    ] as const) {
      const expected = await outcomeOf(nest.send(pattern, data));
      expect(await outcomeOf(here.send(pattern, data))).toStrictEqual(expected);
    }
    const response = await fetch(`http://127.0.0.1:${xtcp().httpPort}/`, { headers: { connection: 'close' } });
    await response.arrayBuffer();
    expect(response.status).toBe(404);
  });

  test('hands events to their handlers', async () => {
    const client = await clientIn(xtcp().port);
    expect(await outcomeOf(client.emit({ event: 'object' }, 'x'))).toEqual({ values: [undefined], completed: true });
    expect(await xtcp().noted('event')).toEqual({ handler: 'object', data: 'x' });
  });
});

test.each([undefined, 'plain'] as const)(
  'app.close() closes what is connected and frees the port: %s',
  async (kind) => {
    const service = await serviceOfTest('parity', { hybrid: kind });
    const client = await clientIn(service.port);
    expect(await firstValueFrom(client.send('echo', 'x'))).toBe('x');
    const [socket] = client.unwrap();
    await Promise.all([once(socket!, 'close'), service.close()]);
    // It waits for the service to be there again, for as long as it may.
    const call = new XtcpRecordBuilder('x').setTimeout(100).build();
    const failure = await errorOf(firstValueFrom(client.send('echo', call)));
    expect(failure).toMatchObject({ code: 'UNAVAILABLE', executed: false });
  },
);

test('app.close() lets a call that runs finish', async () => {
  const service = await serviceOfTest('calls');
  const client = await clientIn(service.port);
  const call = firstValueFrom(client.send('wait', 'running'));
  await service.noted('running');
  const [socket] = client.unwrap();
  const goingAway = once(socket!, 'data');
  const closed = service.close();
  await goingAway;
  await service.open('running');
  expect(await call).toBe('running');
  await closed;
});
