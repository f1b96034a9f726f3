import { Controller, Injectable, Module, ValidationPipe, type NestInterceptor } from '@nestjs/common';
import type { INestApplication, INestMicroservice } from '@nestjs/common';
import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { interval, map, Observable, of, range, tap } from 'rxjs';

import type { XtcpContext } from '../../../../src/index.js';
import { count, gate, note } from './probe.js';

/** Lets every handler's result pass, as logging interceptors do. */
@Injectable()
class PassingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    count('intercepted');
    return next.handle().pipe(tap({ complete: () => count('interceptor completed') }));
  }
}

/** An iterable that is no generator. */
class Countdown implements AsyncIterable<number> {
  constructor(private readonly from: number) {}

  [Symbol.asyncIterator](): AsyncIterator<number> {
    let left = this.from;
    return {
      next: async () => (left > 0 ? { done: false, value: left-- } : { done: true, value: undefined }),
      return: async () => {
        note('returned', 'countdown');
        return { done: true, value: undefined };
      },
    };
  }
}

@Controller()
class StreamsController {
  @MessagePattern('generator')
  async *generator(@Payload() to: number): AsyncGenerator<number> {
    count('generator bodies');
    for (let number = 1; number <= to; number++) yield number;
  }

  @MessagePattern('iterable')
  iterable(@Payload() from: number): AsyncIterable<number> {
    return new Countdown(from);
  }

  @MessagePattern('promised')
  async promised(@Payload() from: number): Promise<AsyncIterable<number>> {
    count('promised bodies');
    return new Countdown(from);
  }

  @MessagePattern('one value of an observable')
  wrapped(@Payload() from: number): Observable<AsyncIterable<number>> {
    return of(new Countdown(from));
  }

  @MessagePattern('observable')
  observable(@Payload() to: number): Observable<number> {
    count('observable bodies');
    return range(1, to);
  }

  /** Counts every item that it is asked for. */
  @MessagePattern('chunks')
  async *chunks(@Payload() { name, items, bytes }: { name: string; items: number; bytes: number }) {
    try {
      for (let item = 0; item < items; item++) {
        count(name);
        const chunk = Buffer.alloc(bytes, item % 251);
        chunk.writeUInt32BE(item);
        yield chunk;
      }
    } finally {
      note('returned', name);
    }
  }

  /** Pushes `items` at once, without end. */
  @MessagePattern('flood')
  flood(@Payload() { name, items, bytes }: { name: string; items: number; bytes: number }): Observable<Buffer> {
    return new Observable((subscriber) => {
      for (let item = 0; item < items && !subscriber.closed; item++) {
        count(name);
        subscriber.next(Buffer.alloc(bytes));
      }
      return () => {
        note('unsubscribed', name);
      };
    });
  }

  @MessagePattern('ticks')
  ticks(@Payload() name: string): Observable<number> {
    return new Observable((subscriber) => {
      const ticking = interval(5).subscribe(subscriber);
      return () => {
        ticking.unsubscribe();
        note('unsubscribed', name);
      };
    });
  }

  @MessagePattern('endless')
  async *endless(@Payload() name: string, @Ctx() context: XtcpContext): AsyncGenerator<number> {
    context.signal.addEventListener('abort', () => {
      note('aborted', { name, code: Reflect.get(context.signal.reason as Error, 'code') });
    });
    try {
      for (let number = 0; ; number++) yield number;
    } finally {
      note('returned', name);
    }
  }

  @MessagePattern('sum')
  async sum(@Payload() numbers: AsyncIterable<number>): Promise<number> {
    let sum = 0;
    for await (const number of numbers) sum += number;
    return sum;
  }

  /** Takes items one by one, each when its gate opens. */
  @MessagePattern('slow reader')
  async slowReader(@Payload() items: AsyncIterable<Buffer>): Promise<number> {
    let taken = 0;
    for await (const item of items) {
      if (taken === 0) {
        note('first item', item.readUInt32BE());
        await gate('go on reading');
      }
      if (item.readUInt32BE() !== taken) throw new Error('an item is out of order');
      taken++;
    }
    return taken;
  }

  @MessagePattern('doubled')
  async *doubled(@Payload() numbers: AsyncIterable<number>): AsyncGenerator<number> {
    for await (const number of numbers) yield number * 2;
  }

  @MessagePattern('echo items')
  echo(@Payload() items: AsyncIterable<unknown>): AsyncIterable<unknown> {
    return items;
  }

  @MessagePattern('first only')
  async first(@Payload() numbers: AsyncIterable<number>): Promise<number | undefined> {
    for await (const number of numbers) return number;
    return undefined;
  }

  @MessagePattern('never read')
  neverRead(@Payload() _items: AsyncIterable<unknown>): string {
    return 'did not look';
  }

  @MessagePattern('how it ends')
  async howItEnds(@Payload() items: AsyncIterable<unknown>): Promise<unknown> {
    const taken: unknown[] = [];
    try {
      for await (const item of items) taken.push(item);
    } catch (error) {
      return { taken, error: error instanceof Error ? Reflect.get(error, 'code') : error };
    }
    return { taken };
  }

  @MessagePattern('is a thenable')
  isThenable(@Payload() items: AsyncIterable<unknown>): boolean {
    return 'then' in items;
  }

  @MessagePattern('ping')
  ping(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern('mapped')
  mapped(@Payload() to: number): Observable<{ number: number }> {
    return range(1, to).pipe(map((number) => ({ number })));
  }
}

@Module({
  controllers: [StreamsController],
  providers: [{ provide: APP_INTERCEPTOR, useClass: PassingInterceptor }],
})
class StreamsModule {}

export { StreamsModule as module };

export function prepare(app: INestMicroservice | INestApplication): void {
  app.useGlobalPipes(new ValidationPipe());
}
