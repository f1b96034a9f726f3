import { setTimeout } from 'node:timers/promises';

import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';

import { XtcpException, type XtcpContext, type XtcpError } from '../../src/index.js';

/** The patterns that every service under test offers; README.md says what each of them does. */
@Controller()
export class Patterns {
  private readonly lines: string[] = [];

  @MessagePattern('echo')
  echo(@Payload() value: unknown): unknown {
    return value;
  }

  @MessagePattern('toupper')
  toupper(@Payload() text: string): string {
    return text.toUpperCase();
  }

  @MessagePattern('sleepy')
  async sleepy(@Payload() text: string): Promise<string> {
    await setTimeout(20);
    return text;
  }

  @MessagePattern('slow')
  async slow(@Payload() text: string): Promise<string> {
    await setTimeout(200);
    return text;
  }

  @MessagePattern({ cmd: 'add', version: 2 })
  add(@Payload() numbers: number[]): number {
    return numbers.reduce((sum, number) => sum + number, 0);
  }

  @MessagePattern('nothing')
  nothing(): void {}

  @MessagePattern('big')
  big(@Payload() length: number): string {
    return 'x'.repeat(length);
  }

  @MessagePattern('fail')
  fail(): never {
    throw new RpcException({ reason: 'no', at: 3 });
  }

  @MessagePattern('failBig')
  failBig(@Payload() length: number): never {
    throw new RpcException({ blob: 'x'.repeat(length) });
  }

  @MessagePattern('refuse')
  refuse(): never {
    throw new XtcpException('PERMISSION_DENIED', 'not you', { who: 'you' });
  }

  @MessagePattern('count')
  async *count(@Payload() last: number | string): AsyncGenerator<number> {
    for (let number = 1; number <= Number(last); number++) yield number;
  }

  @MessagePattern('countAndFail')
  async *countAndFail(@Payload() last: number): AsyncGenerator<number> {
    for (let number = 1; number <= last; number++) yield number;
    throw new XtcpException('RESOURCE_EXHAUSTED', 'no more numbers');
  }

  @MessagePattern('blobs')
  async *blobs(@Payload() { items, bytes }: { items: number; bytes: number }): AsyncGenerator<Buffer> {
    try {
      for (let item = 0; item < items; item++) yield Buffer.alloc(bytes, '.');
    } finally {
      this.lines.push('blobs ended');
    }
  }

  @MessagePattern('never')
  async never(@Ctx() context: XtcpContext): Promise<void> {
    await this.untilCancelled('never', context);
  }

  @MessagePattern('stuck')
  stuck(): Promise<never> {
    return new Promise(() => {});
  }

  @MessagePattern('sum')
  async sum(@Payload() items: AsyncIterable<number>): Promise<number | string> {
    let sum = 0;
    try {
      for await (const item of items) sum += item;
    } catch (error) {
      return `failed: ${(error as XtcpError).code}`;
    }
    return sum;
  }

  @MessagePattern('size')
  async size(@Payload() items: AsyncIterable<Buffer>): Promise<number> {
    let size = 0;
    for await (const item of items) size += item.length;
    return size;
  }

  @MessagePattern('first')
  async first(@Payload() items: AsyncIterable<unknown>): Promise<unknown> {
    for await (const item of items) return item;
    return undefined;
  }

  @MessagePattern('each')
  async *each(@Payload() items: AsyncIterable<string>): AsyncGenerator<string> {
    for await (const item of items) yield item.toUpperCase();
  }

  @MessagePattern('deaf')
  async deaf(@Ctx() context: XtcpContext): Promise<void> {
    await this.untilCancelled('deaf', context);
  }

  @MessagePattern('metadata')
  metadata(@Ctx() context: XtcpContext): unknown {
    context.setMetadata({ answered: 'yes' });
    return context.getMetadata() ?? null;
  }

  @MessagePattern('hasDeadline')
  hasDeadline(@Ctx() context: XtcpContext): boolean {
    return context.deadline !== undefined;
  }

  @MessagePattern('log')
  log(): string[] {
    return this.lines.splice(0);
  }

  @EventPattern('note')
  note(@Payload() value: unknown): void {
    this.lines.push(`note ${JSON.stringify(value)}`);
  }

  @EventPattern('break')
  fallOver(@Payload() _value: unknown): void {
    throw new RpcException('broken');
  }

  @EventPattern('hang')
  async hang(@Ctx() context: XtcpContext): Promise<void> {
    await this.untilCancelled('hang', context);
  }

  private async untilCancelled(what: string, { signal }: XtcpContext): Promise<void> {
    this.lines.push(`${what} began`);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => {
        resolve();
      });
    });
    this.lines.push(`${what} was cancelled`);
  }
}
