import { firstValueFrom } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { XtcpRecordBuilder, type XtcpCallOptions } from '../../src/index.js';
import { serviceOfFile } from './support/child.js';
import { clientIn, collect, errorOf } from './support/client.js';

const service = serviceOfFile('calls');
const inheriting = serviceOfFile('calls', { options: { inherit: true } });

type Report = { deadline: number | undefined; metadata: Record<string, string> | null };
type Metadata = Record<string, string>;

const record = (data: unknown) =>
  new XtcpRecordBuilder(data).setTimeout(30_000).setMetadata({ trace: 'abc', user: 'me' }).build();

test('metadata goes both ways with a call', async () => {
  const client = await clientIn(service().port);
  const got: Metadata[] = [];
  const both = new XtcpRecordBuilder('x')
    .setMetadata({ a: '1', b: 'ä' })
    .setMetadata({ b: '2' })
    .setOnMetadata((metadata) => got.push(metadata))
    .build();
  expect(await firstValueFrom(client.send('metadata', both))).toEqual({ metadata: { a: '1', b: '2' } });
  expect(got).toEqual([{ one: 'I', served: 'yes' }]);
});

test('a call without metadata has none', async () => {
  const client = await clientIn(service().port);
  expect(await firstValueFrom(client.send('metadata', 'x'))).toEqual({ metadata: null });
});

test('metadata goes both ways with a stream, at its end', async () => {
  const client = await clientIn(service().port);
  const got: Metadata[] = [];
  const options: XtcpCallOptions = { metadata: { a: '1' }, onMetadata: (metadata) => got.push(metadata) };
  expect(await collect(client.stream('metadata with items', 3, options))).toEqual([1, 2, 3]);
  expect(got).toEqual([{ items: '3' }]);
  expect(await collect(client.stream('metadata', 'x', options))).toEqual([{ metadata: { a: '1' } }]);
  expect(got[1]).toEqual({ one: 'I', served: 'yes' });
});

test('metadata comes with an error, too', async () => {
  const client = await clientIn(service().port);
  const got: Metadata[] = [];
  const failing = new XtcpRecordBuilder('x').setOnMetadata((metadata) => got.push(metadata)).build();
  await errorOf(firstValueFrom(client.send('metadata with an error', failing)));
  expect(got).toEqual([{ tried: 'once' }]);
});

test('metadata over its limits fails the call before it is made', async () => {
  const client = await clientIn(service().port);
  const tooLarge = new XtcpRecordBuilder('x').setMetadata({ a: 'x'.repeat(9000) }).build();
  const failure = await errorOf(firstValueFrom(client.send('metadata', tooLarge)));
  expect(failure).toMatchObject({ name: 'XtcpError', executed: false });
});

test('the context tells pattern, address and socket', async () => {
  const client = await clientIn(service().port);
  const context = await firstValueFrom(client.send<{ remotePort: number }>('context', 'x'));
  expect(context).toMatchObject({ pattern: 'context', address: '127.0.0.1' });
  expect(client.unwrap()[0]?.localPort).toBe(context.remotePort);
});

describe('a call made inside of a handler', () => {
  test('takes over deadline and metadata with inherit(context)', async () => {
    const client = await clientIn(service().port);
    const { port } = service();
    const report = await firstValueFrom(client.send<Report>('relay', record({ port, how: 'builder' })));
    expect(report.metadata).toEqual({ trace: 'abc', user: 'me' });
    expect(report.deadline).toBeGreaterThan(20_000);
    expect(report.deadline).toBeLessThanOrEqual(30_000);
  });

  test('takes over the metadata that it chooses', async () => {
    const client = await clientIn(service().port);
    const { port } = service();
    const answer = client.send<Report>('relay', record({ port, how: 'builder', keys: ['trace'] }));
    expect((await firstValueFrom(answer)).metadata).toEqual({ trace: 'abc' });
  });

  test('takes over nothing by itself', async () => {
    const client = await clientIn(service().port);
    const { port } = service();
    const report = await firstValueFrom(client.send<Report>('relay', record({ port, how: 'plain' })));
    expect(report.metadata).toBeNull();
    // What `send` has by itself.
    expect(report.deadline === undefined || report.deadline <= 30_000).toBe(true);
  });

  test('takes over all by itself where the server says inherit', async () => {
    const client = await clientIn(inheriting().port);
    const { port } = service();
    const short = new XtcpRecordBuilder({ port, how: 'plain' }).setTimeout(9000).setMetadata({ trace: 'abc' }).build();
    const report = await firstValueFrom(client.send<Report>('relay', short));
    expect(report.metadata).toEqual({ trace: 'abc' });
    expect(report.deadline).toBeLessThanOrEqual(9000);
    expect(report.deadline).toBeGreaterThan(1000);
  });

  test('takes over all by itself inside of a generator', async () => {
    const client = await clientIn(inheriting().port);
    const options = { timeoutMs: 9000, metadata: { trace: 'xyz' } };
    const reports = await collect(client.stream<Report>('relay twice', service().port, options));
    expect(reports.map(({ metadata }) => metadata)).toEqual([{ trace: 'xyz' }, { trace: 'xyz' }]);
    for (const { deadline } of reports) expect(deadline).toBeLessThanOrEqual(9000);
  });

  test('calls at the same time take over each their own', async () => {
    const client = await clientIn(inheriting().port);
    const { port } = service();
    const reports = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const own = new XtcpRecordBuilder({ port, how: 'plain' }).setMetadata({ index: String(index) }).build();
        return firstValueFrom(client.send<Report>('relay', own));
      }),
    );
    expect(reports.map(({ metadata }) => metadata?.['index'])).toEqual(reports.map((_, index) => String(index)));
  });
});
