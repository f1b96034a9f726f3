import { Controller, Inject, Injectable, Module, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Client,
  ClientProxy,
  ClientProxyFactory,
  ClientsModule,
  MessagePattern,
  type ClientsModuleOptionsFactory,
  type CustomClientOptions,
} from '@nestjs/microservices';
import { firstValueFrom, lastValueFrom, type Observable } from 'rxjs';
import { expect, onTestFinished, test } from 'vitest';

import { XtcpClient, XtcpError, XtcpServer, type XtcpClientOptions } from '../../src/index.js';
import { startService } from '../support/service.js';
import { Happenings } from './support/deferred.js';
import { failureOf, xtcpFailureOf } from './support/failures.js';
import { UpperController } from './support/upper.controller.js';

@Injectable()
class Caller {
  constructor(@Inject('UPPER') readonly client: ClientProxy) {}

  upper(text: string): Promise<string> {
    return firstValueFrom(this.client.send<string>('toupper', text));
  }
}

async function startContext(module: Type): Promise<INestApplicationContext> {
  const app = await NestFactory.createApplicationContext(module, { logger: false });
  onTestFinished(() => app.close());
  return app;
}

test('ClientsModule.register makes a client that can be injected', async () => {
  const { port } = await startService([UpperController]);
  @Module({
    imports: [ClientsModule.register([{ name: 'UPPER', customClass: XtcpClient, options: { port } }])],
    providers: [Caller],
  })
  class AppModule {}
  const app = await startContext(AppModule);

  expect(app.get(Caller).client).toBeInstanceOf(XtcpClient);
  expect(await app.get(Caller).upper('xiaoxiao')).toBe('XIAOXIAO');
});

test('ClientsModule.registerAsync makes a client from a factory, an asynchronous one too', async () => {
  const { port } = await startService([UpperController]);
  @Module({
    imports: [
      ClientsModule.registerAsync([
        {
          name: 'UPPER',
          useFactory: async (): Promise<CustomClientOptions> => {
            const options: XtcpClientOptions = await Promise.resolve({ port });
            return { customClass: XtcpClient, options };
          },
        },
      ]),
    ],
    providers: [Caller],
  })
  class AppModule {}

  expect(await (await startContext(AppModule)).get(Caller).upper('xiaoxiao')).toBe('XIAOXIAO');
});

test('ClientsModule.registerAsync makes a client from a class of options', async () => {
  const { port } = await startService([UpperController]);
  @Injectable()
  class Settings implements ClientsModuleOptionsFactory {
    createClientOptions(): CustomClientOptions {
      return { customClass: XtcpClient, options: { port } };
    }
  }
  @Module({
    imports: [ClientsModule.registerAsync([{ name: 'UPPER', useClass: Settings }])],
    providers: [Caller],
  })
  class AppModule {}

  expect(await (await startContext(AppModule)).get(Caller).upper('xiaoxiao')).toBe('XIAOXIAO');
});

test('ClientProxyFactory.create makes a client', async () => {
  const { port } = await startService([UpperController]);
  const client = ClientProxyFactory.create({ customClass: XtcpClient, options: { port } });
  onTestFinished(() => client.close() as Promise<void>);

  expect(client).toBeInstanceOf(XtcpClient);
  expect(await firstValueFrom(client.send<string>('toupper', 'xiaoxiao'))).toBe('XIAOXIAO');
});

test('@Client makes a client, given the cast that its type needs, and the application closes it', async () => {
  const { port, server } = await startService([UpperController]);
  @Controller()
  class FrontController {
    @Client({ customClass: XtcpClient, options: { port } } as never)
    readonly client!: XtcpClient;

    @MessagePattern('front')
    front(): Observable<string> {
      return this.client.send<string>('toupper', 'behind');
    }
  }
  const front = await startService([FrontController]);
  const outer = new XtcpClient({ port: front.port, protocol: 'classic' });
  onTestFinished(() => outer.close());

  expect(await lastValueFrom(outer.send('front', ''))).toBe('BEHIND');
  const { client } = front.app.get(FrontController);
  expect(client).toBeInstanceOf(XtcpClient);
  expect(client.unwrap()).not.toHaveLength(0);
  await front.app.close();
  expect(() => client.unwrap()).toThrow('Not initialized');
  expect(server.unwrap().listening).toBe(true);
});

test('a client without options calls the default port of this machine', async () => {
  const client = new XtcpClient();
  const made = ClientProxyFactory.create({ customClass: XtcpClient });

  // A value that cannot be sent fails before anything is dialled.
  expect((await xtcpFailureOf(client.send('any', 1n))).endpoint).toBe('127.0.0.1:8001');
  expect((await xtcpFailureOf(made.send('any', 1n))).endpoint).toBe('127.0.0.1:8001');
});

test('the client is a customClass, and a ClientProxy, without a cast', () => {
  const options: CustomClientOptions = { customClass: XtcpClient, options: { port: 8001 } satisfies XtcpClientOptions };
  const proxy: ClientProxy = new XtcpClient();

  expect(options.customClass).toBe(XtcpClient);
  expect(proxy).toBeInstanceOf(ClientProxy);
});

test('an option that is wrong fails where the client is made', () => {
  expect(() => ClientsModule.register([{ name: 'X', customClass: XtcpClient, options: { prot: 1 } }])).toThrow(
    XtcpError,
  );
  expect(() => new XtcpClient({ port: 0 })).toThrow(/"port" is 0/);
  expect(() => new XtcpClient({ path: '/x', port: 1 })).toThrow(/exclude each other/);
});

test('the application closes a client of ClientsModule at its end, with the calls that are under way', async () => {
  const begun = new Happenings();
  @Controller()
  class HangingController {
    @MessagePattern('hang')
    hang(): Promise<string> {
      begun.add('hang');
      return new Promise(() => {});
    }
  }
  const { port } = await startService([HangingController], { gracePeriodMs: 1 });
  @Module({
    imports: [ClientsModule.register([{ name: 'UPPER', customClass: XtcpClient, options: { port } }])],
    providers: [Caller],
  })
  class AppModule {}
  const app = await startContext(AppModule);
  const { client } = app.get(Caller);
  const failed = failureOf(client.send('hang', ''));
  await begun.count(1);

  await app.close();

  expect(await failed).toMatchObject({ code: 'CANCELLED', pattern: 'hang', endpoint: `127.0.0.1:${port}` });
  expect(() => client.unwrap()).toThrow('Not initialized');
});

test("ClientsModule makes close the client's onApplicationShutdown, which Nest calls with a signal's name", async () => {
  const signals: unknown[] = [];
  class NotingClient extends XtcpClient {
    override close(...args: unknown[]): Promise<void> {
      signals.push(...args);
      return super.close();
    }
  }
  const { port } = await startService([UpperController]);
  @Module({
    imports: [ClientsModule.register([{ name: 'UPPER', customClass: NotingClient, options: { port } }])],
    providers: [Caller],
  })
  class AppModule {}
  const app = await NestFactory.create(AppModule, { logger: false });
  onTestFinished(() => app.close());
  await app.init();
  expect(await app.get(Caller).upper('a')).toBe('A');

  const onSignal: (signal?: string) => Promise<void> = app.close.bind(app);
  await onSignal('SIGTERM');

  expect(signals).toEqual(['SIGTERM']);
  expect(() => app.get(Caller).client.unwrap()).toThrow('Not initialized');
});

test('a service may be a client of another: a call goes through both', async () => {
  const back = await startService([UpperController]);
  @Controller()
  class FrontController {
    constructor(@Inject('UPPER') private readonly upper: ClientProxy) {}

    @MessagePattern('front')
    front(text: string): Observable<string> {
      return this.upper.send<string>('toupper', text);
    }
  }
  const front = await startService({
    imports: [ClientsModule.register([{ name: 'UPPER', customClass: XtcpClient, options: { port: back.port } }])],
    controllers: [FrontController],
  });
  const client = new XtcpClient({ port: front.port, protocol: 'classic' });
  onTestFinished(() => client.close());

  expect(await firstValueFrom(client.send('front', 'xiaoxiao'))).toBe('XIAOXIAO');
  expect(front.server).toBeInstanceOf(XtcpServer);
});
