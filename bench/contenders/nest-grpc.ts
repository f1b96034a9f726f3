import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';

import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientGrpcProxy, Transport, type GrpcOptions } from '@nestjs/microservices';
import { lastValueFrom, type Observable } from 'rxjs';

import { ROOT } from '../root.js';
import { GrpcController } from '../service/grpc.controller.js';
import type { Contender, ItemsRequest } from './contender.js';
import { countItems } from './proxy-client.js';

@Module({ controllers: [GrpcController] })
class NestGrpcModule {}

interface Boxed {
  readonly value: unknown;
}

/** The service of echo.proto, as Nest's client gives it. */
interface EchoService {
  text(message: Boxed): Observable<Boxed>;
  json(order: unknown): Observable<unknown>;
  bytes(message: Boxed): Observable<Boxed>;
  textItems(request: ItemsRequest): Observable<Boxed>;
  bytesItems(request: ItemsRequest): Observable<Boxed>;
}

/** Nest's gRPC transport, without TLS. */
export const nestGrpc: Contender = {
  async serve() {
    const port = await freePort();
    const app = await NestFactory.createMicroservice(NestGrpcModule, { ...optionsAt(port), logger: ['error'] });
    await app.listen();
    return { port, close: () => app.close() };
  },

  connectTo(port, { payload }) {
    const client = new ClientGrpcProxy(optionsAt(port).options);
    const echo = client.getService<EchoService>('Echo');
    const calls = {
      text: async (value: unknown) => (await lastValueFrom(echo.text({ value }))).value,
      json: (order: unknown) => lastValueFrom(echo.json(order)),
      bytes: async (value: unknown) => (await lastValueFrom(echo.bytes({ value }))).value,
    };
    return {
      // The channel connects with the first call.
      connect: async () => {},
      close: async () => {
        client.close();
      },
      call: calls[payload],
      readItems: (request: ItemsRequest) =>
        countItems(request.kind === 'bytes' ? echo.bytesItems(request) : echo.textItems(request)),
    };
  },
};

function optionsAt(port: number): GrpcOptions {
  return {
    transport: Transport.GRPC,
    options: {
      url: `127.0.0.1:${port}`,
      package: 'bench',
      protoPath: join(ROOT, 'bench/echo.proto'),
      loader: { defaults: true },
    },
  };
}

/** Nest does not tell which port the system picked for its gRPC server, so it is picked before. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
