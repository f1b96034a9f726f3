import {
  Catch,
  Controller,
  ForbiddenException,
  HttpException,
  Injectable,
  Module,
  NotFoundException,
  UseFilters,
  UseGuards,
  UsePipes,
  ValidationPipe,
  type ArgumentsHost,
  type CanActivate,
  type INestApplication,
  type INestMicroservice,
  type PipeTransform,
  type RpcExceptionFilter,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { IsInt, IsString } from 'class-validator';
import { of, throwError, type Observable } from 'rxjs';

import { HttpToXtcpFilter, IteratorErrorsInterceptor, XtcpException, type XtcpContext } from '../../../../src/index.js';
import { count, gate, note } from './probe.js';

class Person {
  @IsString()
  name!: string;

  @IsInt()
  age!: number;
}

class DomainError extends Error {}

@Catch(DomainError)
class DomainFilter implements RpcExceptionFilter<DomainError> {
  catch(exception: DomainError): Observable<never> {
    count('filtered');
    return throwError(() => ({ filtered: exception.message }));
  }
}

@Catch()
class BrokenFilter implements RpcExceptionFilter {
  catch(): Observable<never> {
    throw new TypeError('the filter itself is broken');
  }
}

@Catch()
class FalsyFilter implements RpcExceptionFilter {
  catch(_exception: unknown, host: ArgumentsHost): Observable<never> {
    const { error } = host.switchToRpc().getData<{ error: unknown }>();
    return throwError(() => error);
  }
}

@Injectable()
class CodedGuard implements CanActivate {
  canActivate(): boolean {
    throw new XtcpException('UNAUTHENTICATED', 'who are you?', { hint: 'a token' });
  }
}

@Injectable()
class ClosedGuard implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

@Injectable()
class CodedPipe implements PipeTransform {
  transform(): never {
    throw new XtcpException('INVALID_ARGUMENT', 'not like this', ['a', 1]);
  }
}

@Controller()
class ErrorsController {
  @MessagePattern('coded')
  coded(): never {
    throw new XtcpException('PERMISSION_DENIED', 'not you', { needs: ['admin'], count: 0 });
  }

  @MessagePattern('coded in mid-stream')
  async *codedInMidStream(): AsyncGenerator<number> {
    yield 1;
    throw new XtcpException('RESOURCE_EXHAUSTED', 'enough', null);
  }

  @UseGuards(CodedGuard)
  @MessagePattern('guarded')
  guarded(): string {
    return 'never';
  }

  @UseGuards(ClosedGuard)
  @MessagePattern('closed')
  closed(): string {
    return 'never';
  }

  @UsePipes(CodedPipe)
  @MessagePattern('piped')
  piped(@Payload() data: unknown): unknown {
    return data;
  }

  @UseFilters(new FalsyFilter())
  @MessagePattern('falsy')
  falsy(): never {
    throw new Error('x');
  }

  @UseFilters(new BrokenFilter())
  @MessagePattern('broken filter')
  brokenFilter(): never {
    throw new Error('x');
  }

  @MessagePattern('bigint')
  bigint(): bigint {
    return 10n;
  }

  @MessagePattern('bigint item')
  async *bigintItem(): AsyncGenerator {
    try {
      yield 1;
      yield 10n;
      yield 3;
    } finally {
      note('returned', 'bigint item');
    }
  }

  @MessagePattern('cycle')
  cycle(): object {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    return cycle;
  }

  @MessagePattern('person')
  person(@Payload() person: Person): string {
    return person.name;
  }

  @MessagePattern('items of persons')
  async persons(@Payload() persons: AsyncIterable<Person>): Promise<number> {
    let number = 0;
    for await (const _ of persons) number++;
    return number;
  }

  @MessagePattern('not found')
  notFound(): never {
    throw new NotFoundException('no such person');
  }

  @MessagePattern('forbidden')
  forbidden(): never {
    throw new ForbiddenException();
  }

  @MessagePattern('teapot')
  teapot(): never {
    throw new HttpException('short and stout', 418);
  }

  @MessagePattern('unknown')
  unknown(): never {
    throw new Error('the password is 123');
  }

  @MessagePattern('iterator')
  async *iterator(@Payload() how: string): AsyncGenerator<number> {
    if (how === 'at once') throw new DomainError('before the first');
    yield 1;
    yield 2;
    if (how === 'domain') throw new DomainError('of the domain');
    if (how === 'text') throw new RpcException('a text');
    if (how === 'object') throw new RpcException({ code: 7 });
    if (how === 'http') throw new NotFoundException('no more');
    throw new Error('the password is 123');
  }

  @MessagePattern('counted')
  async *counted(@Payload() name: string, @Ctx() context: XtcpContext): AsyncGenerator<Buffer> {
    count(`${name} bodies`);
    context.setMetadata({ name });
    try {
      for (;;) {
        count(name);
        yield Buffer.alloc(65_536);
      }
    } finally {
      note('returned', name);
    }
  }

  @MessagePattern('ping')
  ping(): Observable<string> {
    return of('pong');
  }

  @EventPattern('event')
  event(@Payload() _data: unknown): void {
    note('event handled');
  }

  @EventPattern('slow event')
  async slowEvent(@Payload() name: string): Promise<void> {
    note('event started', name);
    await gate(name);
    note('event ended', name);
  }

  @EventPattern('event that fails')
  failingEvent(@Payload() _data: unknown): void {
    throw new XtcpException('INVALID_ARGUMENT', 'no such event');
  }
}

@Module({ controllers: [ErrorsController] })
class ErrorsModule {}

/** The same with the interceptor that brings the errors of iterators to the filters. */
@Module({
  controllers: [ErrorsController],
  providers: [{ provide: APP_INTERCEPTOR, useClass: IteratorErrorsInterceptor }],
})
class InterceptedErrorsModule {}

export { ErrorsModule as module, InterceptedErrorsModule };

export function prepare(app: INestMicroservice | INestApplication): void {
  app.useGlobalPipes(new ValidationPipe());
  app.useGlobalFilters(new HttpToXtcpFilter(), new DomainFilter());
}
