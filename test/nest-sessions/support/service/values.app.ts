import { Controller, Module } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';

import { gate, note } from './probe.js';

@Controller()
class ValuesController {
  @MessagePattern('echo')
  echo(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern('kind')
  kind(@Payload() data: unknown): string {
    if (Buffer.isBuffer(data)) return 'Buffer';
    if (Array.isArray(data)) return 'array';
    return data === null ? 'null' : typeof data;
  }

  @MessagePattern('wait')
  async wait(@Payload() name: string): Promise<string> {
    note('waiting', name);
    await gate(name);
    return name;
  }
}

@Module({ controllers: [ValuesController] })
class ValuesModule {}

export { ValuesModule as module };
