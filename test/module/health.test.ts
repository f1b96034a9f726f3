import { NestFactory } from '@nestjs/core';
import { lastValueFrom } from 'rxjs';
import { expect, onTestFinished, test } from 'vitest';

import { XtcpHealth, XtcpModule, XtcpServer } from '../../src/index.js';
import { moduleOf, startService } from '../support/service.js';
import { portOf, sessionClient, startContext } from './applications.js';

function statusOf(port: number, service = ''): Promise<unknown> {
  return lastValueFrom(sessionClient(port).send('xtcp.health', service));
}

test('what the application says of itself is what its server answers', async () => {
  const { app, port } = await startService({ imports: [XtcpModule.register()] });
  const health = app.get(XtcpHealth, { strict: false });

  expect(await statusOf(port)).toEqual({ status: 'SERVING', services: {} });
  health.set('NOT_SERVING', 'orders');
  expect(await statusOf(port)).toEqual({ status: 'SERVING', services: { orders: 'NOT_SERVING' } });
  expect(await statusOf(port, 'orders')).toEqual({ status: 'NOT_SERVING' });
  health.set('NOT_SERVING');
  expect(await statusOf(port)).toMatchObject({ status: 'NOT_SERVING' });
  health.set('SERVING');
  health.set('SERVING', 'orders');
  expect(await statusOf(port)).toEqual({ status: 'SERVING', services: { orders: 'SERVING' } });
});

test('every server of the application answers it, one that is connected later too', async () => {
  const imports = [XtcpModule.register(), moduleOf({ imports: [XtcpModule.register()] })];
  const app = await NestFactory.create(moduleOf({ imports }), { logger: false });
  onTestFinished(() => app.close());
  const connect = async (): Promise<number> => {
    const strategy = new XtcpServer({ port: 0 });
    await app.connectMicroservice({ strategy }).listen();
    return portOf(strategy);
  };

  const ports = [await connect()];
  app.get(XtcpHealth, { strict: false }).set('NOT_SERVING');
  app.get(XtcpHealth, { strict: false }).set('NOT_SERVING', 'orders');
  ports.push(await connect());

  for (const port of ports) {
    expect(await statusOf(port)).toEqual({ status: 'NOT_SERVING', services: { orders: 'NOT_SERVING' } });
  }
});

test('an application without a server may say it, too, but not what there is not', async () => {
  const app = await startContext([XtcpModule.register()], []);
  const health = app.get(XtcpHealth, { strict: false });

  health.set('NOT_SERVING');
  expect(() => {
    health.set('DRAINING' as never);
  }).toThrow('XtcpHealth: the status "DRAINING" cannot be set; there are SERVING, NOT_SERVING');
  expect(() => {
    health.set('SERVING', '');
  }).toThrow('XtcpHealth: the service "" is no name');
});
