import { appendFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

import { Controller, Module } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';

export interface KeyedCall {
  /** No other call has it. */
  readonly key: string;
  /** Where it is written down that the call ran: what survives the process. */
  readonly file: string;
  /** Milliseconds that it takes. */
  readonly ms: number;
}

@Controller()
class CountedController {
  @MessagePattern('keyed')
  async keyed(@Payload() { key, file, ms }: KeyedCall): Promise<string> {
    appendFileSync(file, `${key}\n`);
    await setTimeout(ms);
    return key;
  }

  @MessagePattern('keyed items')
  async *keyedItems(@Payload() { key, file, ms }: KeyedCall): AsyncGenerator<string> {
    appendFileSync(file, `${key}\n`);
    yield 'first';
    await setTimeout(ms);
    yield key;
  }

  @EventPattern('keyed event')
  async keyedEvent(@Payload() { key, file, ms }: KeyedCall): Promise<void> {
    appendFileSync(file, `${key}\n`);
    await setTimeout(ms);
  }

  @MessagePattern('echo')
  echo(@Payload() value: unknown): unknown {
    return value;
  }

  @MessagePattern('blob')
  blob(@Payload() bytes: number): Buffer {
    return Buffer.alloc(bytes, 1);
  }
}

@Module({ controllers: [CountedController] })
class CountedModule {}

export { CountedModule as module };
