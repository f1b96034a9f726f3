import { Controller, Module } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';

import { XtcpClient } from '../../../../src/index.js';

/** A service that calls another one. */
@Controller()
class RelayController {
  @MessagePattern('hold')
  hold(@Payload() port: number): AsyncIterable<unknown> {
    return new XtcpClient({ port }).stream('until aborted', 'held');
  }
}

@Module({ controllers: [RelayController] })
class RelayModule {}

export { RelayModule as module };
