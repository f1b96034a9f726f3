import {
  Controller,
  Injectable,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { catchError, map, of, tap, throwError, timeout, type Observable } from 'rxjs';
import { expect, test } from 'vitest';

import type { XtcpContext } from '../../src/index.js';
import { RawPeer } from '../support/raw.js';
import { startService } from '../support/service.js';
import { applicationError, ask } from './support/classic.js';

const handled: string[] = [];

@Injectable()
class OnlyFriends implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.switchToRpc().getData<string>().startsWith('friend');
  }
}

class NotAdmin implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const pattern = context.switchToRpc().getContext<XtcpContext>().getPattern();
    throw new RpcException({ code: 403, pattern, type: context.getType() });
  }
}

class Bracket implements NestInterceptor<unknown, string> {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<string> {
    return next.handle().pipe(map((value) => `[${String(value)}]`));
  }
}

class Impatient implements NestInterceptor<unknown, unknown> {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      timeout(10),
      catchError(() => throwError(() => new RpcException('too slow'))),
    );
  }
}

class Cached implements NestInterceptor<unknown, unknown> {
  intercept(): Observable<unknown> {
    return of('from the cache');
  }
}

@Controller()
class GuardedController {
  @UseGuards(OnlyFriends)
  @MessagePattern('secret')
  secret(@Payload() who: string): string {
    handled.push(who);
    return `hello ${who}`;
  }

  @UseGuards(NotAdmin)
  @MessagePattern('admin')
  admin(): string {
    handled.push('admin');
    return 'admin';
  }

  @UseInterceptors(Bracket)
  @MessagePattern('bracket')
  bracket(@Payload() text: string): Promise<string> {
    return Promise.resolve(text);
  }

  @UseInterceptors(Bracket)
  @MessagePattern('brackets')
  brackets(): Observable<string> {
    return of('first', 'last');
  }

  @UseInterceptors(Impatient)
  @MessagePattern('slow')
  slow(): Promise<string> {
    return new Promise(() => {});
  }

  @UseInterceptors(Cached)
  @MessagePattern('cached')
  cached(): string {
    handled.push('cached');
    return 'from the handler';
  }
}

test('a guard lets a call through, or denies it before its handler runs', async () => {
  handled.length = 0;
  const { port } = await startService([GuardedController]);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'secret', 'friend')).toBe('hello friend');
  expect(applicationError(await ask(peer, 'secret', 'foe'))).toEqual({
    status: 'error',
    message: 'Forbidden resource',
  });
  expect(handled).toEqual(['friend']);
});

test('a guard may throw, and sees the context of the call', async () => {
  handled.length = 0;
  const { port } = await startService([GuardedController]);
  const peer = await RawPeer.dial(port);

  expect(applicationError(await ask(peer, 'admin', ''))).toEqual({ code: 403, pattern: 'admin', type: 'rpc' });
  expect(handled).toEqual([]);
});

test('a guard of the whole application holds for every handler', async () => {
  const { port } = await startService({
    controllers: [GuardedController],
    providers: [{ provide: APP_GUARD, useClass: OnlyFriends }],
  });
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'bracket', 'friend')).toBe('[friend]');
  expect(await ask(peer, 'bracket', 'foe')).toContain('Forbidden resource');
});

test('an interceptor maps what a promise resolves to, and what an Observable emits last', async () => {
  const { port } = await startService([GuardedController]);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'bracket', 'text')).toBe('[text]');
  expect(await ask(peer, 'brackets')).toBe('[last]');
});

test('an interceptor ends a handler that takes too long, with its own error', async () => {
  const { port } = await startService([GuardedController]);
  const peer = await RawPeer.dial(port);

  expect(applicationError(await ask(peer, 'slow'))).toEqual({ status: 'error', message: 'too slow' });
  expect(await ask(peer, 'bracket', 'next')).toBe('[next]');
});

test('an interceptor may answer in the place of the handler', async () => {
  handled.length = 0;
  const { port } = await startService([GuardedController]);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'cached')).toBe('from the cache');
  expect(handled).toEqual([]);
});

test('an interceptor of the whole application runs once for each call', async () => {
  let runs = 0;
  class Counting implements NestInterceptor<unknown, unknown> {
    intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
      return next.handle().pipe(
        tap({
          complete: () => {
            runs++;
          },
        }),
      );
    }
  }
  const { port } = await startService({
    controllers: [GuardedController],
    providers: [{ provide: APP_INTERCEPTOR, useClass: Counting }],
  });
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'bracket', 'one')).toBe('[one]');
  expect(await ask(peer, 'brackets')).toBe('[last]');
  expect(runs).toBe(2);
});
