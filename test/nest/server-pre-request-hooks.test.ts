import { AsyncLocalStorage } from 'node:async_hooks';

import { Controller, UseGuards, type CanActivate } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { map, of } from 'rxjs';
import { beforeEach, expect, test } from 'vitest';

import type { XtcpContext } from '../../src/index.js';
import { RawPeer } from '../support/raw.js';
import { startService } from '../support/service.js';
import { applicationError, ask } from './support/classic.js';

const storage = new AsyncLocalStorage<string>();
const happened: string[] = [];

beforeEach(() => {
  happened.length = 0;
});

class NotingGuard implements CanActivate {
  canActivate(): boolean {
    happened.push(`guard ${storage.getStore()}`);
    return true;
  }
}

@Controller()
class PreparedController {
  @UseGuards(NotingGuard)
  @MessagePattern('call')
  async call(@Payload() data: string): Promise<string> {
    happened.push(`handler ${storage.getStore()}`);
    await Promise.resolve();
    return data;
  }

  @EventPattern('event')
  event(@Payload() _data: string): void {
    happened.push('event');
  }
}

test('a pre-request hook runs once before the guards, and its async context reaches the handler', async () => {
  const { port } = await startService([PreparedController], {}, (app) => {
    app.registerPreRequestHook((context, next) => {
      const pattern = context.switchToRpc().getContext<XtcpContext>().getPattern();
      happened.push(`hook of ${pattern} ${context.getType()}`);
      return storage.run('stored', () => next());
    });
  });
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'call', 'x')).toBe('x');
  expect(happened[0]).toBe('hook of call rpc');
  expect(happened).toHaveLength(3);
});

test('several pre-request hooks run in the order in which they were registered', async () => {
  const { port } = await startService([PreparedController], {}, (app) => {
    app.registerPreRequestHook(
      (_context, next) => {
        happened.push('first');
        return next();
      },
      (_context, next) => {
        happened.push('second');
        return next().pipe(map((value) => `<${String(value)}>`));
      },
    );
  });

  expect(await ask(await RawPeer.dial(port), 'call', 'x')).toBe('<x>');
  expect(happened).toEqual(['first', 'second', 'guard undefined', 'handler undefined']);
});

test('a pre-request hook may answer by itself, or refuse', async () => {
  const { port } = await startService([PreparedController], {}, (app) => {
    app.registerPreRequestHook((context, next) => {
      const data = context.switchToRpc().getData<string>();
      if (data === 'refuse') throw new RpcException('refused');
      return data === 'cached' ? of('from the cache') : next();
    });
  });
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'call', 'cached')).toBe('from the cache');
  expect(applicationError(await ask(peer, 'call', 'refuse'))).toEqual({ status: 'error', message: 'refused' });
  expect(happened).toEqual([]);
  expect(await ask(peer, 'call', 'x')).toBe('x');
});

test('pre-request hooks run for events, too', async () => {
  const { port } = await startService([PreparedController], {}, (app) => {
    app.registerPreRequestHook((_context, next) => {
      happened.push('hook');
      return next();
    });
  });

  expect(await ask(await RawPeer.dial(port), 'event', 'x')).toBe('');
  expect(happened).toEqual(['hook', 'event']);
});
