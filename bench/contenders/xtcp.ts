import { Module } from '@nestjs/common';
import { ClientProxyFactory } from '@nestjs/microservices';
import { XtcpClient, XtcpRecordBuilder, XtcpServer, type XtcpClientOptions, type XtcpServerOptions } from 'nestjs-xtcp';

import { EchoController } from '../service/echo.controller.js';
import { GeneratedItemsController } from '../service/generated-items.controller.js';
import type { Contender, ItemsRequest } from './contender.js';
import { overProxy } from './proxy-client.js';
import { serveOverSocket } from './serve.js';

/** More than any load has in flight: where a contender has no such limit, this one should not wait for its own. */
const MAX_CALLS = 1024;

@Module({ controllers: [EchoController, GeneratedItemsController] })
class XtcpModule {}

/** How one use of this library differs from a plain session. */
interface Variant {
  readonly server?: XtcpServerOptions;
  readonly client?: XtcpClientOptions;
  /** What an application would make of a value before it sends it. */
  readonly wrap?: (value: unknown) => unknown;
  /** What it then makes of the answer. */
  readonly unwrap?: (answer: unknown) => unknown;
}

const RECORD: Variant = {
  wrap: (value) =>
    new XtcpRecordBuilder(value)
      .setTimeout(5000)
      .setMetadata({ tenant: 'blue', traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' })
      .build(),
};

/** Strings as text, Buffers as they are, everything else as JSON. */
export const session = xtcp({});

/** Strings as JSON, too: in a list, since a session sends those by themselves as text. */
export const sessionJson = xtcp({ wrap: (value) => [value], unwrap: (answer) => (answer as unknown[])[0] });

/** A deadline and metadata on every call. */
export const sessionWithRecord = xtcp(RECORD);

/** The same, on a server whose handlers' own calls would take them over. */
export const sessionWithInherit = xtcp({ ...RECORD, server: { inherit: true } });

/** Events that count as emitted when they are written, as those of Nest's TCP transport do. */
export const sessionUnacked = xtcp({ client: { ack: 'none' } });

/** The protocol of xtcp 0.2, on one connection, as the other contenders have. */
export const classic = xtcp({ client: { protocol: 'classic', connections: 1, pipelining: MAX_CALLS } });

/** This library, used in one way. */
function xtcp({ server, client, wrap, unwrap }: Variant): Contender {
  return {
    serve({ payload, certificate }) {
      const options = {
        port: 0,
        maxCalls: MAX_CALLS,
        // All connections of the load with idle ones come from one address.
        maxConnectionsPerAddress: 20_000,
        payload,
        ...server,
        ...(certificate && { tlsOptions: certificate }),
      };
      return serveOverSocket(XtcpModule, { strategy: new XtcpServer(options) });
    },

    connectTo(port, { payload, certificate }) {
      const tls = certificate && { tlsOptions: { ca: certificate.cert } };
      const options = { port, payload, protocol: 'session' as const, ...client, ...tls };
      const proxy = ClientProxyFactory.create({ customClass: XtcpClient, options }) as XtcpClient;
      const plain = overProxy(proxy);
      return {
        ...plain,
        ...(wrap && { call: (value) => plain.call(wrap(value)) }),
        ...(wrap && unwrap && { call: async (value) => unwrap(await plain.call(wrap(value))) }),
        async readItems(request: ItemsRequest) {
          let count = 0;
          for await (const _ of proxy.stream('items', request)) count++;
          return count;
        },
      };
    },
  };
}
