import {
  BadRequestException,
  Catch,
  Controller,
  HttpException,
  UseFilters,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { BaseRpcExceptionFilter, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { of, throwError, type Observable } from 'rxjs';
import { expect, test } from 'vitest';

import type { XtcpContext } from '../../src/index.js';
import { RawPeer } from '../support/raw.js';
import { startService } from '../support/service.js';
import { applicationError, ask } from './support/classic.js';

const INTERNAL = 'XTCP Server: INTERNAL: Internal server error';

@Catch(RangeError)
class RangeFilter implements ExceptionFilter<RangeError> {
  catch(error: RangeError, host: ArgumentsHost): Observable<never> {
    const rpc = host.switchToRpc();
    const pattern = rpc.getContext<XtcpContext>().getPattern();
    return throwError(() => ({ range: error.message, pattern, data: rpc.getData<unknown>() }));
  }
}

@Catch(HttpException)
class HttpFilter implements ExceptionFilter<HttpException> {
  catch(error: HttpException): Observable<never> {
    return throwError(() => ({ status: error.getStatus(), message: error.message }));
  }
}

@Catch()
class FallbackFilter implements ExceptionFilter<unknown> {
  catch(): Observable<string> {
    return of('a fallback');
  }
}

@Catch()
class BrokenFilter implements ExceptionFilter<unknown> {
  catch(): never {
    throw new Error('the filter is broken: secret');
  }
}

/** Hands the exception on as it is, which is what a filter written for HTTP may do. */
@Catch()
class PassOnFilter implements ExceptionFilter<unknown> {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

@Catch()
class TextFilter implements ExceptionFilter<Error> {
  catch(error: Error): Observable<never> {
    return throwError(() => `in short: ${error.message}`);
  }
}

@Catch()
class BigFilter implements ExceptionFilter<unknown> {
  catch(): Observable<never> {
    return throwError(() => ({ count: 1n }));
  }
}

@Controller()
class FailingController {
  @MessagePattern('range')
  range(@Payload() _data: string): string {
    throw new RangeError('too far');
  }

  @UseFilters(HttpFilter)
  @MessagePattern('http')
  http(): string {
    throw new BadRequestException('no such thing');
  }

  @UseFilters(FallbackFilter)
  @MessagePattern('fallback')
  fallback(): Promise<string> {
    return Promise.reject(new Error('secret'));
  }

  @UseFilters(BrokenFilter)
  @MessagePattern('broken')
  broken(): string {
    throw new Error('secret');
  }

  @UseFilters(BrokenFilter)
  @MessagePattern('broken later')
  brokenLater(): Observable<string> {
    return throwError(() => new Error('secret'));
  }

  @UseFilters(PassOnFilter)
  @MessagePattern('passed on')
  passedOn(@Payload() which: string): string {
    throw which === 'rpc' ? new RpcException({ code: 5 }) : new Error('secret');
  }

  @UseFilters(TextFilter)
  @MessagePattern('text')
  text(): string {
    throw new Error('two\r\nlines');
  }

  @UseFilters(BigFilter)
  @MessagePattern('big')
  big(): string {
    throw new Error('secret');
  }
}

test('a global filter makes the answer of an error that it catches', async () => {
  const { port } = await startService([FailingController], {}, (app) => {
    app.useGlobalFilters(new RangeFilter());
  });
  const peer = await RawPeer.dial(port);

  expect(applicationError(await ask(peer, 'range', 'x'))).toEqual({ range: 'too far', pattern: 'range', data: 'x' });
});

test('a filter of a method makes the answer of an error that it catches', async () => {
  const { port } = await startService([FailingController]);
  const peer = await RawPeer.dial(port);

  expect(applicationError(await ask(peer, 'http'))).toEqual({ status: 400, message: 'no such thing' });
});

test('a filter of a method comes before a global one', async () => {
  const { port } = await startService([FailingController], {}, (app) => {
    app.useGlobalFilters(new FallbackFilter());
  });
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'range', 'x')).toBe('a fallback');
  expect(applicationError(await ask(peer, 'http'))).toEqual({ status: 400, message: 'no such thing' });
});

test('a filter may turn an error into a result', async () => {
  const { port } = await startService([FailingController]);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'fallback')).toBe('a fallback');
});

test('a filter that extends the base filter can leave the error to it', async () => {
  @Catch()
  class LoggingFilter extends BaseRpcExceptionFilter {}
  const { port } = await startService([FailingController], {}, (app) => {
    app.useGlobalFilters(new LoggingFilter());
  });
  const peer = await RawPeer.dial(port);

  expect(applicationError(await ask(peer, 'range', 'x'))).toEqual({
    status: 'error',
    message: 'Internal server error',
  });
});

test('a filter that itself throws is answered as an internal error that tells nothing', async () => {
  const { port } = await startService([FailingController]);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'broken')).toBe(INTERNAL);
  expect(await ask(peer, 'broken later')).toBe(INTERNAL);
  expect(await ask(peer, 'fallback')).toBe('a fallback');
});

test('a filter that hands on an Error tells nothing of it, and an RpcException as the base filter does', async () => {
  const { port } = await startService([FailingController]);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'passed on', 'plain')).toBe(INTERNAL);
  expect(applicationError(await ask(peer, 'passed on', 'rpc'))).toEqual({ code: 5 });
});

test('what a filter produces is answered as JSON in one line', async () => {
  const { port } = await startService([FailingController]);
  const peer = await RawPeer.dial(port);

  const text = await ask(peer, 'text');
  expect(text).not.toMatch(/[\r\n]/);
  expect(applicationError(text)).toBe('in short: two\r\nlines');
});

test('what a filter produces and JSON cannot say is answered as an internal error', async () => {
  const { port } = await startService([FailingController]);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'big')).toBe(INTERNAL);
});
