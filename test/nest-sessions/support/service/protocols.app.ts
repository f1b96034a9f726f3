import { Controller, Module } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';

import type { XtcpContext } from '../../../../src/index.js';

@Controller()
class ProtocolsController {
  @MessagePattern('echo')
  echo(@Payload() data: unknown): unknown {
    return data;
  }

  /** The socket of the call, which tells sessions from connections of one call each. */
  @MessagePattern('port')
  port(@Payload() _data: unknown, @Ctx() context: XtcpContext): string {
    return String(context.getSocketRef().remotePort);
  }

  @MessagePattern('metadata')
  metadata(@Payload() _data: unknown, @Ctx() context: XtcpContext): string {
    return JSON.stringify(context.getMetadata() ?? null);
  }
}

@Module({ controllers: [ProtocolsController] })
class ProtocolsModule {}

export { ProtocolsModule as module };
