import { Controller, type INestMicroservice, type Type } from '@nestjs/common';
import {
  ClientsModule,
  ClientTCP,
  EventPattern,
  MessagePattern,
  Payload,
  RpcException,
  type ClientProxy,
} from '@nestjs/microservices';
import { NestFactory } from '@nestjs/core';
import { firstValueFrom, Observable } from 'rxjs';
import { expect, onTestFinished, test } from 'vitest';

import { XtcpClient, type XtcpServer } from '../../src/index.js';
import { clientOf, moduleOf, startService } from '../support/service.js';
import { serviceOfFile } from './support/child.js';
import { all, collect } from './support/client.js';
import { outcomeOf } from './support/outcome.js';
import { Deferred } from './support/service/deferred.js';

const bodies = { calls: 0, generators: 0, observables: 0, events: 0 };

@Controller()
class CountingController {
  @MessagePattern('call')
  call(): string {
    bodies.calls++;
    return 'done';
  }

  @MessagePattern('generator')
  async *generator(): AsyncGenerator<number> {
    bodies.generators++;
    yield 1;
    yield 2;
  }

  @MessagePattern('observable')
  observable(): Observable<number> {
    return new Observable((subscriber) => {
      bodies.observables++;
      subscriber.next(1);
      subscriber.next(2);
      subscriber.complete();
    });
  }

  @EventPattern('event')
  first(@Payload() _data: unknown): void {
    bodies.events++;
  }

  @EventPattern('event')
  second(@Payload() _data: unknown): void {
    bodies.events++;
  }
}

function hooked(log: string[]): (app: INestMicroservice, server: XtcpServer) => void {
  return (app, server) => {
    app.useGlobalInterceptors(
      { intercept: (_context, next) => next.handle() },
      { intercept: (_context, next) => next.handle() },
    );
    server.setOnProcessingStartHook((_transport, _context, run) => {
      log.push('start');
      void run();
    });
    server.setOnProcessingEndHook(() => {
      log.push('end');
    });
  };
}

test('with hooks and interceptors around it, the body of a handler runs once, and so do the hooks', async () => {
  const log: string[] = [];
  const { port } = await startService([CountingController], {}, hooked(log));
  const client = clientOf(port, { protocol: 'session' });
  expect(await firstValueFrom(client.send('call', 'x'))).toBe('done');
  expect(await collect(client.stream('generator', 'x'))).toEqual([1, 2]);
  expect(await all(client.send('observable', 'x'))).toEqual([1, 2]);
  await outcomeOf(client.emit('event', 'x'));
  expect(bodies).toEqual({ calls: 1, generators: 1, observables: 1, events: 2 });
  expect(log).toEqual(['start', 'end', 'start', 'end', 'start', 'end', 'start', 'end']);
});

test('a hook may take its time before the handler', async () => {
  const started = new Deferred();
  const open = new Deferred();
  const { port } = await startService([CountingController], {}, (_app, server) => {
    server.setOnProcessingStartHook((_transport, _context, run) => {
      void open.promise.then(run);
      started.resolve();
    });
  });
  const before = bodies.calls;
  const call = firstValueFrom(clientOf(port, { protocol: 'session' }).send('call', 'x'));
  await started.promise;
  expect(bodies.calls).toBe(before);
  open.resolve();
  expect(await call).toBe('done');
});

const tcp = serviceOfFile('parity', { transport: 'tcp' });
const xtcp = serviceOfFile('parity');

class MappingTcpClient extends ClientTCP {
  protected override serializeError(error: unknown): unknown {
    return new RpcException({ mapped: error });
  }

  protected override serializeResponse(response: unknown): unknown {
    return { mapped: response };
  }
}

class MappingXtcpClient extends XtcpClient {
  protected override serializeError(error: unknown): unknown {
    return new RpcException({ mapped: error });
  }

  protected override serializeResponse(response: unknown): unknown {
    return { mapped: response };
  }
}

test('subclasses that override serializeError and serializeResponse see what those of ClientTCP see', async () => {
  const module = moduleOf({
    imports: [
      ClientsModule.register([
        { name: 'NEST', customClass: MappingTcpClient as Type<ClientProxy>, options: { port: tcp().port } },
        { name: 'HERE', customClass: MappingXtcpClient, options: { port: xtcp().port } },
      ]),
    ],
  });
  const app = await NestFactory.createApplicationContext(module, { logger: false });
  onTestFinished(() => app.close());
  const nest = app.get<MappingTcpClient>('NEST');
  const here = app.get<MappingXtcpClient>('HERE');
  for (const [pattern, data] of [
    ['echo', 'x'],
    ['observable', 'many'],
    ['observable', 'none'],
    ['fails', 'text'],
    ['fails in mid-stream', 'object'],
  ] as const) {
    expect(await outcomeOf(here.send(pattern, data))).toEqual(await outcomeOf(nest.send(pattern, data)));
  }
  expect(await outcomeOf(here.send('echo', 'x'))).toEqual({ values: [{ mapped: 'x' }], completed: true });
});
