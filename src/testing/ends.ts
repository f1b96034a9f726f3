import type { Server as NetServer, Socket } from 'node:net';

import { XtcpClient } from '../client/xtcp-client.js';
import type { XtcpClientOptions } from '../options/client-options.js';
import type { XtcpServerOptions } from '../options/server-options.js';
import { XtcpServer } from '../server/xtcp-server.js';
import type { Exchange } from './exchange.js';
import { MemoryServer } from './memory-server.js';

/** An `XtcpServer` that listens in memory. */
export class MemoryXtcpServer extends XtcpServer {
  constructor(options: XtcpServerOptions, exchange: Exchange) {
    super(options);
    this.unwrap<MemoryServer>().plugInto(exchange);
  }

  protected override makeNetServer(...args: Parameters<XtcpServer['makeNetServer']>): NetServer {
    return new MemoryServer(...args);
  }
}

/** An `XtcpClient` that connects in memory. */
export class MemoryXtcpClient extends XtcpClient {
  constructor(
    options: XtcpClientOptions,
    private readonly exchange: Exchange,
  ) {
    super(options);
  }

  protected override openSocket(...[target]: Parameters<XtcpClient['openSocket']>): Socket {
    return this.exchange.connect(target);
  }
}
