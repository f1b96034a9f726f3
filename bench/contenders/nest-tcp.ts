import { Module } from '@nestjs/common';
import { ClientProxyFactory, Transport } from '@nestjs/microservices';

import { EchoController } from '../service/echo.controller.js';
import { ObservableItemsController } from '../service/observable-items.controller.js';
import type { Contender, ItemsRequest } from './contender.js';
import { countItems, overProxy } from './proxy-client.js';
import { serveOverSocket } from './serve.js';

@Module({ controllers: [EchoController, ObservableItemsController] })
class NestTcpModule {}

/** Nest's own TCP transport, with its defaults. */
export const nestTcp: Contender = {
  serve: ({ certificate }) =>
    serveOverSocket(NestTcpModule, {
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port: 0, ...(certificate && { tlsOptions: certificate }) },
    }),

  connectTo(port, { certificate }) {
    const proxy = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port, ...(certificate && { tlsOptions: { ca: certificate.cert } }) },
    });
    return { ...overProxy(proxy), readItems: (request: ItemsRequest) => countItems(proxy.send('items', request)) };
  },
};
