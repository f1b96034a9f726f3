import { Module } from '@nestjs/common';

import { EchoController } from '../../service/echo.controller.js';
import type { Contender } from '../contender.js';
import { serveOverSocket } from '../serve.js';
import { LimitClient } from './limit-client.js';
import { LimitServer } from './limit-server.js';

@Module({ controllers: [EchoController] })
class LimitModule {}

/**
 * The least that a Nest transport can do over one connection: a 4-byte length and a 4-byte id in front of each value,
 * the Nest handler called directly, a bare promise at the client.
 */
export const limit: Contender = {
  serve: () => serveOverSocket(LimitModule, { strategy: new LimitServer() }),
  connectTo: (port) => new LimitClient(port),
};
