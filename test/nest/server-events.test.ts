import { Controller, type Type } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { concat, of, throwError, type Observable } from 'rxjs';
import { expect, test } from 'vitest';

import type { XtcpExtras } from '../../src/index.js';
import { RawPeer } from '../support/raw.js';
import { startService } from '../support/service.js';
import { ask, requestBytes } from './support/classic.js';
import { deferred, Happenings } from './support/deferred.js';

/** Handlers that note what they were told. */
function controllers(told: Happenings): Record<'call' | 'event' | 'otherEvent', Type> {
  @Controller()
  class CallController {
    @MessagePattern('news')
    call(@Payload() data: string): string {
      told.add(`call ${data}`);
      return `answer to ${data}`;
    }
  }

  @Controller()
  class EventController {
    @EventPattern('news')
    event(@Payload() data: string): string {
      told.add(`event ${data}`);
      return 'what an event handler returns is no answer';
    }
  }

  @Controller()
  class OtherEventController {
    @EventPattern('news')
    first(@Payload() data: string): void {
      told.add(`first ${data}`);
    }

    @EventPattern('news')
    second(@Payload() data: string): void {
      told.add(`second ${data}`);
    }
  }
  return { call: CallController, event: EventController, otherEvent: OtherEventController };
}

test('several event handlers of one pattern all run, and the answer is empty', async () => {
  const told = new Happenings();
  const { event, otherEvent } = controllers(told);
  const { port } = await startService([event, otherEvent]);
  const peer = await RawPeer.dial(port);

  peer.send(requestBytes('news', 'x'));
  expect(await peer.take(7)).toBe('0\r\n\r\n\r\n');
  expect(told.all.toSorted()).toEqual(['event x', 'first x', 'second x']);
});

test.each([
  ['the call first', ['call', 'event', 'otherEvent']],
  ['the events first', ['event', 'otherEvent', 'call']],
  ['the call in between', ['event', 'call', 'otherEvent']],
] as const)('a call and events of one pattern do not shadow each other: %s', async (_order, names) => {
  const told = new Happenings();
  const all = controllers(told);
  const { port, server } = await startService(names.map((name) => all[name]));
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'news', 'x')).toBe('answer to x');
  expect((await told.count(4)).toSorted()).toEqual(['call x', 'event x', 'first x', 'second x']);
  expect(await ask(peer, 'news', 'y')).toBe('answer to y');
  expect(await told.count(8)).toHaveLength(8);
  // Whoever looks at what is bound finds the call.
  expect(server.getHandlers().get('news')?.isEventHandler).toBe(false);
  expect(server.getHandlerByPattern('news')?.isEventHandler).toBe(false);
});

test('the answer of a call does not wait for the events of its pattern', async () => {
  const goOn = deferred();
  const told = new Happenings();
  @Controller()
  class SlowEventController {
    @EventPattern('news')
    async slow(@Payload() data: string): Promise<void> {
      await goOn.promise;
      told.add(`slow ${data}`);
    }
  }
  const { port } = await startService([SlowEventController, controllers(told).call]);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'news', 'x')).toBe('answer to x');
  expect(told.all).toEqual(['call x']);
  goOn.resolve();
  expect(await told.count(2)).toEqual(['call x', 'slow x']);
});

test('the empty answer to an event comes when all of its handlers have ended, one that fails or not', async () => {
  const order: string[] = [];
  const goOn = deferred();
  @Controller()
  class EndsController {
    @EventPattern('news')
    fails(@Payload() _data: string): void {
      throw new Error('secret');
    }

    @EventPattern('news')
    quick(@Payload() _data: string): void {
      order.push('quick');
      setTimeout(goOn.resolve, 5);
    }

    @EventPattern('news')
    async slow(@Payload() _data: string): Promise<void> {
      await goOn.promise;
      order.push('slow');
    }

    @EventPattern('news')
    stream(@Payload() _data: string): Observable<string> {
      return concat(
        of('one'),
        of('two'),
        afterwards(goOn.promise, () => order.push('stream')),
      );
    }
  }
  const { port } = await startService([EndsController]);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'news', 'x')).toBe('');
  expect(order.toSorted()).toEqual(['quick', 'slow', 'stream']);
});

function afterwards(promise: Promise<void>, run: () => void): Promise<string> {
  return promise.then(() => {
    run();
    return 'three';
  });
}

test('an event handler that fails keeps no other from running, and the answer is empty', async () => {
  const told = new Happenings();
  @Controller()
  class FailingController {
    @EventPattern('news')
    throws(@Payload() _data: string): void {
      told.add('throws');
      throw new Error('secret');
    }

    @EventPattern('news')
    rejects(@Payload() _data: string): Promise<void> {
      told.add('rejects');
      return Promise.reject(new RpcException('secret'));
    }

    @EventPattern('news')
    stream(@Payload() _data: string): Observable<never> {
      told.add('stream');
      return throwError(() => new Error('secret'));
    }
  }
  const { port } = await startService([FailingController, controllers(told).event]);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'news', 'x')).toBe('');
  expect(told.all.toSorted()).toEqual(['event x', 'rejects', 'stream', 'throws']);
});

test('each handler of one pattern gets the payload as it asked for it', async () => {
  const got: unknown[] = [];
  @Controller()
  class KindsController {
    @EventPattern('news', { payload: 'json' } satisfies XtcpExtras)
    json(@Payload() data: unknown): void {
      got.push(data);
    }

    @EventPattern('news')
    text(@Payload() data: unknown): void {
      got.push(data);
    }

    @EventPattern('news', { payload: 'bytes' } satisfies XtcpExtras)
    bytes(@Payload() data: unknown): void {
      got.push(data);
    }
  }
  const { port } = await startService([KindsController]);

  expect(await ask(await RawPeer.dial(port), 'news', '[1]')).toBe('');
  expect(got).toHaveLength(3);
  expect(got).toEqual(expect.arrayContaining([[1], '[1]', Buffer.from('[1]')]));
});

test('object patterns name events, too', async () => {
  const told = new Happenings();
  @Controller()
  class ObjectController {
    @EventPattern({ topic: 'news', of: 'today' })
    news(data: string): void {
      told.add(data);
    }
  }
  const { port } = await startService([ObjectController]);

  expect(await ask(await RawPeer.dial(port), '{"topic":"news","of":"today"}', 'x')).toBe('');
  expect(told.all).toEqual(['x']);
});
