import { Controller, Module } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';

import { XtcpClient, XtcpRecordBuilder } from '../../../../src/index.js';

/** Makes clients that ask for msgpack, and tells how that went. */
@Controller()
class AskingController {
  @MessagePattern('client')
  client(): string {
    try {
      const client = new XtcpClient({ codec: 'msgpack' });
      return client.constructor.name;
    } catch (error) {
      return `${Reflect.get(error as Error, 'code')}: ${(error as Error).message}`;
    }
  }

  @MessagePattern('call')
  async call(@Payload() port: number): Promise<string> {
    const client = new XtcpClient({ port });
    try {
      const record = new XtcpRecordBuilder({ a: 1 }).setCodec('msgpack').build();
      return JSON.stringify(await firstValueFrom(client.send('echo', record)));
    } catch (error) {
      return `${Reflect.get(error as Error, 'code')}: ${(error as Error).message}`;
    } finally {
      await client.close();
    }
  }

  @MessagePattern('echo')
  echo(@Payload() data: unknown): unknown {
    return data;
  }
}

@Module({ controllers: [AskingController] })
class AskingModule {}

export { AskingModule as module };
