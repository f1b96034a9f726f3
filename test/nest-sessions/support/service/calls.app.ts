import { Controller, Module } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';

import { XtcpClient, XtcpRecordBuilder, type XtcpContext } from '../../../../src/index.js';
import { gate, note } from './probe.js';

@Controller()
class CallsController {
  @MessagePattern('deadline')
  deadline(@Ctx() context: XtcpContext): { deadline: number | undefined } {
    return { deadline: context.deadline };
  }

  /** Runs until its caller is gone, and says why that was. */
  @MessagePattern('until aborted')
  async untilAborted(@Payload() name: string, @Ctx() context: XtcpContext): Promise<void> {
    note('running', name);
    await new Promise<void>((resolve) => {
      context.signal.addEventListener('abort', () => {
        resolve();
      });
    });
    const reason = context.signal.reason as { code: string };
    note('aborted', { name, code: reason.code, deadline: context.deadline });
  }

  @MessagePattern('wait')
  async wait(@Payload() name: string): Promise<string> {
    note('running', name);
    await gate(name);
    return name;
  }

  @MessagePattern('items until silent')
  async *items(): AsyncGenerator<number> {
    yield 1;
    await gate('never');
  }

  @MessagePattern('metadata')
  metadata(@Ctx() context: XtcpContext): object {
    context.setMetadata({ one: '1', served: 'yes' });
    context.setMetadata({ one: 'I' });
    return { metadata: context.getMetadata() ?? null };
  }

  @MessagePattern('metadata with items')
  async *metadataWithItems(@Payload() to: number, @Ctx() context: XtcpContext): AsyncGenerator<number> {
    for (let number = 1; number <= to; number++) yield number;
    context.setMetadata({ items: String(to) });
  }

  @MessagePattern('metadata with an error')
  metadataWithError(@Payload() _data: unknown, @Ctx() context: XtcpContext): never {
    context.setMetadata({ tried: 'once' });
    throw new Error('broken');
  }

  @MessagePattern('context')
  context(@Payload() _data: unknown, @Ctx() context: XtcpContext): object {
    const { remotePort } = context.getSocketRef();
    return { pattern: context.getPattern(), address: context.getRemoteAddress(), remotePort };
  }

  /** Calls the service at `port` in its turn. */
  @MessagePattern('relay')
  async relay(
    @Payload() { port, how, keys }: { port: number; how: 'builder' | 'plain'; keys?: string[] },
    @Ctx() context: XtcpContext,
  ): Promise<unknown> {
    // Behind a turn of the event loop, where only the async context still knows the call.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    const client = new XtcpClient({ port });
    try {
      const record = how === 'builder' ? new XtcpRecordBuilder('x').inherit(context, keys).build() : 'x';
      return await firstValueFrom(client.send('report', record));
    } finally {
      await client.close();
    }
  }

  @MessagePattern('report')
  report(@Payload() _data: unknown, @Ctx() context: XtcpContext): object {
    return { deadline: context.deadline, metadata: context.getMetadata() ?? null };
  }

  /** As relay, from inside of a generator, where each step has its own turn. */
  @MessagePattern('relay twice')
  async *relayTwice(@Payload() port: number): AsyncGenerator {
    const client = new XtcpClient({ port });
    try {
      yield await firstValueFrom(client.send('report', 'x'));
      yield await firstValueFrom(client.send('report', 'x'));
    } finally {
      await client.close();
    }
  }
}

@Module({ controllers: [CallsController] })
class CallsModule {}

export { CallsModule as module };
