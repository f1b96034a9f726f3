import { Controller, Module } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { from, type Observable } from 'rxjs';

import { note } from './probe.js';
import { wrapping } from './wrapping.js';

@Controller()
class SerializersController {
  @MessagePattern('echo')
  echo(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern({ cmd: 'echo' })
  echoObject(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern('many')
  many(): Observable<number> {
    return from([1, 2, 3, 4, 5]);
  }

  @MessagePattern('generator')
  async *generator(): AsyncGenerator<number> {
    for (let number = 1; number <= 5; number++) yield number;
  }

  @MessagePattern('order')
  order(@Payload() data: unknown): void {
    note('called', data);
  }

  @EventPattern('event')
  event(@Payload() data: unknown): void {
    note('event', data);
  }
}

@Module({ controllers: [SerializersController] })
class SerializersModule {}

export { SerializersModule as module };

export const options = wrapping('sync', 'server');
