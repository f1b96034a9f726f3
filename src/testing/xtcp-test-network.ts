import type { NetConnectOpts, Socket } from 'node:net';

import type { XtcpClient } from '../client/xtcp-client.js';
import { systemClock, type Clock } from '../clock/clock.js';
import { XtcpError } from '../errors/xtcp-error.js';
import type { XtcpClientOptions } from '../options/client-options.js';
import type { XtcpServerOptions } from '../options/server-options.js';
import type { XtcpServer } from '../server/xtcp-server.js';
import { Conditions, type Direction } from './conditions.js';
import { MemoryXtcpClient, MemoryXtcpServer } from './ends.js';
import { Exchange } from './exchange.js';

export interface XtcpTestNetworkOptions {
  /**
   * The time by which what is delayed arrives. Default: the system's, which fake timers of vitest or jest replace.
   * Servers and clients always go by the system's.
   */
  clock?: Clock | undefined;
}

/**
 * Joins servers and clients in one process without sockets, and breaks as networks do, at a word:
 *
 *     const network = new XtcpTestNetwork();
 *     const app = await NestFactory.createMicroservice(AppModule, { strategy: network.createServer() });
 *     const client = network.createClient();
 *
 * All but the socket is the real part. A fault holds for every connection, those to come included, until
 * {@link restore}; what needs faults of its own gets a network of its own.
 */
export class XtcpTestNetwork {
  private readonly conditions: Conditions;
  private readonly exchange: Exchange;
  private readonly servers: XtcpServer[] = [];
  private readonly clients: XtcpClient[] = [];
  /** Those that have gone away and not come back. */
  private readonly away = new Map<XtcpServer, Promise<void>>();

  constructor({ clock = systemClock }: XtcpTestNetworkOptions = {}) {
    this.conditions = new Conditions(clock, () => {
      this.conditions.bytesLeft.toServer = undefined;
      this.conditions.bytesLeft.toClient = undefined;
      this.cut();
    });
    this.exchange = new Exchange(this.conditions);
  }

  /** Connections that at least one side has not closed. */
  get connections(): number {
    return this.exchange.connections;
  }

  /**
   * A server that listens on this network alone, at its port or path; the host does not matter. With port 0 it gets
   * one that is free, and keeps it.
   * @throws {XtcpError} INVALID_ARGUMENT where an option is wrong, or `tlsOptions` are given: there is no TLS here
   */
  createServer(options: XtcpServerOptions = {}): XtcpServer {
    refuseTls('createServer', options);
    const server = new MemoryXtcpServer(options, this.exchange);
    this.servers.push(server);
    return server;
  }

  /**
   * A client of whichever server of this network has its port or path, when it connects.
   * @throws {XtcpError} INVALID_ARGUMENT where an option is wrong, or `tlsOptions` are given: there is no TLS here
   */
  createClient(options: XtcpClientOptions = {}): XtcpClient {
    refuseTls('createClient', options);
    const client = new MemoryXtcpClient(options, this.exchange);
    this.clients.push(client);
    return client;
  }

  /** A connection that speaks nothing by itself, as from `net.connect`; for bytes that no client would send. */
  connect(target: NetConnectOpts): Socket {
    return this.exchange.connect(target);
  }

  /**
   * What is sent from now on arrives later, in order; a connection takes one time there and one back to be opened.
   * @param ms milliseconds each way, or of each way; one that is left out stays
   */
  delay(ms: number | Partial<Record<Direction, number>>): void {
    const each = typeof ms === 'number' ? { toServer: ms, toClient: ms } : ms;
    for (const [direction, value] of Object.entries(each)) check(`delay, ${direction}`, value, isDuration);
    Object.assign(this.conditions.delayMs, each);
  }

  /**
   * All connections end at once, at both ends, with ECONNRESET; what was on its way is lost, and so are connections
   * that were being opened. New ones can be opened.
   */
  cut(): void {
    this.exchange.cut();
  }

  /**
   * Cuts as soon as so many more bytes have arrived, of all connections together; with 0, in the place of the next one.
   * @param bytes whole bytes, 0 or more
   */
  cutAfter(bytes: number, direction: Direction): void {
    check('cutAfter', bytes, isCount);
    this.conditions.bytesLeft[direction] = bytes;
  }

  /**
   * Nothing arrives any more, and nobody learns of it, neither of a close. After {@link restore} it does, in order: as
   * over TCP, which sends anew what was lost.
   */
  blackHole(): void {
    this.conditions.isBlackHole = true;
  }

  /** Connections that are asked for from now on fail with ECONNREFUSED; those that stand go on. */
  refuse(): void {
    this.conditions.refuses = true;
  }

  /**
   * What a restart looks like from outside: every server that listens drains and closes, as by its `close()`. Until
   * {@link restore} nobody listens there, unless another server begins to, as it may at once.
   * @returns when all have closed
   */
  async goAway(): Promise<void> {
    for (const server of this.servers) {
      if (server.unwrap().listening && !this.away.has(server)) this.away.set(server, server.close());
    }
    await Promise.all(this.away.values());
  }

  /**
   * Ends all faults: what was held back arrives, and servers that have gone away listen again, when they have closed.
   * @returns when they do; rejects where one cannot
   */
  async restore(): Promise<void> {
    this.conditions.restore();
    this.exchange.goOn();
    const away = [...this.away];
    this.away.clear();
    await Promise.all(
      away.map(async ([server, closed]) => {
        await closed;
        await listenAgain(server);
      }),
    );
  }

  /** Ends all faults but lets nobody come back, and closes every client, then every server. */
  async close(): Promise<void> {
    this.away.clear();
    await this.restore();
    await Promise.all(this.clients.map((client) => client.close()));
    await Promise.all(this.servers.map((server) => server.close()));
  }
}

async function listenAgain(server: XtcpServer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.listen((error) => {
      if (error instanceof Error) reject(error);
      else resolve();
    });
  });
}

function refuseTls(method: string, options: { readonly tlsOptions?: unknown }): void {
  if (options.tlsOptions === undefined) return;
  throw new XtcpError(
    'INVALID_ARGUMENT',
    `XtcpTestNetwork: ${method} takes no "tlsOptions", since there is no TLS in memory; leave them out`,
  );
}

const isDuration = (value: number): boolean => Number.isFinite(value) && value >= 0;
const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

function check(what: string, value: number, isRight: (value: number) => boolean): void {
  if (isRight(value)) return;
  throw new XtcpError('INVALID_ARGUMENT', `XtcpTestNetwork: ${what}: expected a number of 0 or more, got ${value}`);
}
