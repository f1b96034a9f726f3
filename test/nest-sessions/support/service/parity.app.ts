import { Catch, Controller, Module, UseFilters, type ArgumentsHost, type RpcExceptionFilter } from '@nestjs/common';
import type { INestApplication, INestMicroservice } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException, type BaseRpcContext } from '@nestjs/microservices';
import { concat, EMPTY, from, interval, map, of, take, throwError, type Observable } from 'rxjs';

import { XtcpServer, type XtcpServerOptions } from '../../../../src/index.js';
import { note } from './probe.js';

class DomainError extends Error {}

@Catch(DomainError)
class DomainFilter implements RpcExceptionFilter<DomainError> {
  catch(exception: DomainError, host: ArgumentsHost): Observable<never> {
    const data: unknown = host.switchToRpc().getData();
    return throwError(() => ({ filtered: exception.message, data }));
  }
}

@Controller()
class ParityController {
  @MessagePattern('echo')
  echo(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern({ cmd: 'add', version: 2 })
  add(@Payload() numbers: number[]): number {
    return numbers.reduce((sum, number) => sum + number, 0);
  }

  @MessagePattern({ b: { d: 1, c: 'x' }, a: 2 })
  nested(): string {
    return 'nested';
  }

  @MessagePattern(42)
  number(): string {
    return 'forty-two';
  }

  @MessagePattern(['one', 'two'])
  several(): string {
    return 'one or two';
  }

  @MessagePattern('observable')
  observable(@Payload() kind: 'none' | 'one' | 'many' | 'later' | 'promised'): unknown {
    switch (kind) {
      case 'none':
        return EMPTY;
      case 'one':
        return of('only');
      case 'many':
        return from([1, 'two', { three: 3 }, null]);
      case 'later':
        return interval(2).pipe(
          take(3),
          map((number) => ({ number })),
        );
      case 'promised':
        return Promise.resolve(from([1, 2]));
    }
  }

  @MessagePattern('nothing')
  nothing(@Payload() how: 'undefined' | 'null' | 'promise'): unknown {
    if (how === 'promise') return Promise.resolve();
    return how === 'null' ? null : undefined;
  }

  @MessagePattern('fails in mid-stream')
  midStream(@Payload() how: 'object' | 'text' | 'unknown' | 'filtered'): Observable<unknown> {
    return concat(
      from([1, 2]),
      throwError(() => errorFor(how)),
    );
  }

  @MessagePattern('fails')
  fails(@Payload() how: 'object' | 'text' | 'unknown' | 'filtered'): never {
    throw errorFor(how);
  }

  @MessagePattern('fails later')
  async failsLater(@Payload() how: 'object' | 'text' | 'unknown' | 'filtered'): Promise<never> {
    await Promise.resolve();
    throw errorFor(how);
  }

  @UseFilters(new DomainFilter())
  @MessagePattern('fails with a filter')
  filtered(): never {
    throw new DomainError('of the domain');
  }

  @MessagePattern('metadata')
  metadata(@Ctx() context: BaseRpcContext & { getMetadata(): unknown }): unknown {
    return { metadata: context.getMetadata() ?? null };
  }

  // Without its type argument it refuses a handler with a context of its own type.
  // oxlint-disable-next-line typescript/no-unnecessary-type-arguments
  @EventPattern<string>('told')
  toldFirst(@Payload() data: unknown, @Ctx() context: BaseRpcContext & { getMetadata(): unknown }): void {
    note('event', { handler: 'first', data, metadata: context.getMetadata() });
  }

  @EventPattern('told')
  toldSecond(@Payload() data: unknown): void {
    note('event', { handler: 'second', data });
  }

  @EventPattern({ event: 'object' })
  toldObject(@Payload() data: unknown): void {
    note('event', { handler: 'object', data });
  }
}

@Controller()
class OtherController {
  @EventPattern('told')
  told(@Payload() data: unknown): void {
    note('event', { handler: 'other', data });
  }
}

function errorFor(how: 'object' | 'text' | 'unknown' | 'filtered'): Error {
  switch (how) {
    case 'object':
      return new RpcException({ code: 7, nested: { reason: 'because' }, list: [1] });
    case 'text':
      return new RpcException('a text');
    case 'unknown':
      return new Error('the password is 123');
    case 'filtered':
      return new DomainError('global');
  }
}

@Module({ controllers: [ParityController, OtherController] })
class ParityModule {}

export { ParityModule as module };

export function prepare(app: INestMicroservice | INestApplication): void {
  app.useGlobalFilters(new DomainFilter());
}

export function server(options: XtcpServerOptions): XtcpServer {
  return new XtcpServer(options);
}
