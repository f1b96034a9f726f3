import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { NEVER, of, type Observable } from 'rxjs';

import { XtcpException, type XtcpContext } from '../../src/index.js';

/** What handlers may do. */
@Controller()
export class Behaviours {
  @MessagePattern('upper')
  upper(@Payload() text: string): string {
    return text.toUpperCase();
  }

  @MessagePattern('nothing')
  nothing(): void {}

  @MessagePattern('observable')
  observable(): Observable<string> {
    return of('ab', 'cd', 'ef');
  }

  @MessagePattern('items')
  async *items(@Payload() count: number): AsyncGenerator<string> {
    for (let n = 0; n < count; n++) yield 'ab';
  }

  @MessagePattern('sum')
  async sum(@Payload() items: AsyncIterable<string>): Promise<string> {
    let all = '';
    for await (const item of items) all += item;
    return all;
  }

  @MessagePattern('never')
  never(): Observable<never> {
    return NEVER;
  }

  @MessagePattern('fails')
  fails(): void {
    throw new Error('unexpected');
  }

  @MessagePattern('rejects')
  rejects(): void {
    throw new RpcException('no');
  }

  @MessagePattern('denies')
  denies(): void {
    throw new XtcpException('PERMISSION_DENIED', 'not you');
  }

  @MessagePattern('items that fail')
  async *itemsThatFail(): AsyncGenerator<string> {
    yield 'ab';
    throw new XtcpException('INVALID_ARGUMENT', 'no more');
  }

  @EventPattern('happened')
  happened(@Payload() _data: unknown): void {}

  @EventPattern('happened twice')
  first(@Payload() _data: unknown): void {}

  @EventPattern('happened twice')
  second(@Payload() _data: unknown): void {
    throw new Error('unexpected');
  }

  @EventPattern('slow event')
  async slowEvent(@Ctx() context: XtcpContext): Promise<void> {
    await new Promise<void>((resolve) => {
      context.signal.addEventListener('abort', () => {
        resolve();
      });
    });
  }
}
