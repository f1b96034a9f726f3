import { Catch, Controller, Module, type DynamicModule, type RpcExceptionFilter, type Type } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { MessagePattern } from '@nestjs/microservices';
import { throwError, type Observable } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { XtcpModule } from '../../src/index.js';
import { failureOf } from '../nest/support/failures.js';
import { moduleOf, startService } from '../support/service.js';
import { sessionClient, startHybrid } from './applications.js';

class Odd extends Error {}

@Catch(Odd)
class OddFilter implements RpcExceptionFilter<Odd> {
  catch(): Observable<never> {
    return throwError(() => ({ filtered: true }));
  }
}

@Controller()
class CountController {
  @MessagePattern('count')
  async *count(): AsyncGenerator<number> {
    yield 1;
    await Promise.resolve();
    throw new Odd();
  }
}

const FILTERED = { filtered: true };
const NOT_FILTERED = { status: 'error', message: 'Internal server error' };

function moduleWith(imports: (DynamicModule | Type)[]): Type {
  @Module({ imports, controllers: [CountController], providers: [{ provide: APP_FILTER, useClass: OddFilter }] })
  class AppModule {}
  return AppModule;
}

/** What a caller gets of the error that a generator throws. */
async function errorFrom(port: number): Promise<unknown> {
  return failureOf(sessionClient(port).send('count', ''));
}

describe("what a handler's iterator throws", () => {
  test('reaches the filters of a microservice, and does not without the module', async () => {
    const plain = await startService({ imports: [moduleWith([])] });
    expect(await errorFrom(plain.port)).toEqual(NOT_FILTERED);
    const { port } = await startService({ imports: [moduleWith([XtcpModule.register()])] });
    expect(await errorFrom(port)).toEqual(FILTERED);
  });

  test('reaches those of a hybrid application where it inherits its configuration', async () => {
    const module = moduleWith([XtcpModule.register()]);
    const inheriting = await startHybrid(module, { inheritAppConfig: true });
    expect(await errorFrom(inheriting.port)).toEqual(FILTERED);
    const apart = await startHybrid(module);
    expect(await errorFrom(apart.port)).toEqual(NOT_FILTERED);
  });

  test('does not where one registration says that it should not', async () => {
    const without = XtcpModule.register({ iteratorErrors: false });
    const asynchronous = XtcpModule.registerAsync({ iteratorErrors: false, useFactory: () => ({}) });
    for (const registration of [without, asynchronous]) {
      const feature = moduleOf({ imports: [XtcpModule.register()] });
      const { port } = await startService({ imports: [moduleWith([registration]), feature] });
      expect(await errorFrom(port)).toEqual(NOT_FILTERED);
    }
  });
});

test('the interceptor is there once, however often the module is registered', async () => {
  const feature = moduleOf({ imports: [XtcpModule.register(), XtcpModule.registerAsync({ useFactory: () => ({}) })] });
  const { app, port } = await startService({ imports: [moduleWith([XtcpModule.register()]), feature] });
  expect(await errorFrom(port)).toEqual(FILTERED);
  const { applicationConfig } = app as unknown as { applicationConfig: { getGlobalInterceptors(): unknown[] } };
  expect(applicationConfig.getGlobalInterceptors()).toHaveLength(1);
});
