import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';

import { Controller, Logger, Module, type INestMicroservice, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';

import { XtcpClient, XtcpException, XtcpServer, type XtcpContext } from '../../src/index.js';
import { fail } from './fail.js';
import { checkPrototypes } from './prototypes.js';
import { MARKER, type Stream } from './streams.js';

/** How one connection of the fuzzer ends. */
export type Ending = 'end' | 'reset' | 'destroy';

export interface LiveConnection {
  readonly stream: Stream;
  readonly ending: Ending;
}

/** Handlers of every kind. None of them does more than its caller's bytes are worth. */
@Controller()
class FuzzedController {
  running = 0;

  @MessagePattern('echo')
  echo(@Payload() value: unknown): unknown {
    return value;
  }

  @MessagePattern('toupper')
  toupper(@Payload() text: unknown): string {
    return String(text).toUpperCase().slice(0, 1000);
  }

  @MessagePattern({ cmd: 'add', version: 2 })
  add(): number {
    return 2;
  }

  @MessagePattern('fail')
  fail(): never {
    throw new RpcException({ reason: 'no' });
  }

  @MessagePattern('refuse')
  refuse(): never {
    throw new XtcpException('PERMISSION_DENIED', 'not you');
  }

  @MessagePattern('break')
  breakDown(): never {
    throw new Error('broken');
  }

  @MessagePattern('count')
  async *count(): AsyncGenerator<number> {
    this.running++;
    try {
      for (let number = 0; number < 1000; number++) yield number;
    } finally {
      this.running--;
    }
  }

  @MessagePattern('never')
  async never(@Ctx() { signal }: XtcpContext): Promise<void> {
    this.running++;
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => {
        resolve();
      });
    });
    this.running--;
  }

  @MessagePattern('sum')
  async sum(@Payload() items: unknown): Promise<number> {
    return this.readAll(items);
  }

  @MessagePattern('each')
  each(@Payload() items: unknown): unknown {
    return items;
  }

  @MessagePattern('metadata')
  metadata(@Ctx() context: XtcpContext): unknown {
    context.setMetadata({ answered: 'yes' });
    return context.getMetadata() ?? null;
  }

  @EventPattern('note')
  note(@Payload() _value: unknown): void {}

  /** An event outlives its connection, so it must not take the handler of the calls. */
  @EventPattern('never')
  neverMind(@Payload() _value: unknown): void {}

  private async readAll(items: unknown): Promise<number> {
    let taken = 0;
    if (typeof items !== 'object' || items === null || !(Symbol.asyncIterator in items)) return taken;
    this.running++;
    try {
      for await (const item of items as AsyncIterable<unknown>) if (item !== undefined) taken++;
    } finally {
      this.running--;
    }
    return taken;
  }
}

@Module({ controllers: [FuzzedController] })
class FuzzedModule {}

/** Looks at every line of the log. */
class LogInspector implements LoggerService {
  lines = 0;
  wrong: string | undefined;

  log(): void {}

  warn(message: unknown): void {
    this.inspect(message);
  }

  error(message: unknown): void {
    this.inspect(message);
  }

  private inspect(message: unknown): void {
    this.lines++;
    const line = message instanceof Error ? message.message : String(message);
    // oxlint-disable-next-line no-control-regex -- it is what must not be there
    if (line.includes(MARKER) || /[\0-\x1f\x7f-\x9f]/.test(line)) this.wrong ??= JSON.stringify(line);
  }
}

const PATIENCE_MS = 2000;
const BETWEEN_LOOKS_MS = 2;

/** A server under attack, and a client of it that means well. */
export class LiveTarget {
  private log = new LogInspector();
  private server = newServer();
  private app: INestMicroservice | undefined;
  private controller: FuzzedController | undefined;
  private port = 0;
  private client: XtcpClient | undefined;
  private calls = 0;

  async start(): Promise<void> {
    this.server = newServer();
    this.log = new LogInspector();
    Logger.overrideLogger(this.log);
    this.app = await NestFactory.createMicroservice(FuzzedModule, { strategy: this.server, logger: this.log });
    this.port = ((await this.app.listen()) as unknown as AddressInfo).port;
    this.controller = this.app.get(FuzzedController);
    this.client = new XtcpClient({ port: this.port, protocol: 'session' });
    await this.client.connect();
  }

  async stop(): Promise<void> {
    await this.client?.close();
    await this.app?.close();
    Logger.overrideLogger(false);
  }

  /**
   * Whatever comes on some connections, a well-behaved client's calls all succeed; and behind it no connection is left
   * and no call runs, no prototype has changed, and no line of the log says what was sent.
   */
  async check(connections: readonly LiveConnection[]): Promise<void> {
    try {
      await this.attack(connections);
    } catch (error) {
      // What is left of it must not count against the next.
      await this.stop();
      await this.start();
      throw error;
    }
  }

  private async attack(connections: readonly LiveConnection[]): Promise<void> {
    const done = Promise.all(connections.map((connection) => this.play(connection)));
    for (let call = 0; call < 3; call++) await this.callWell();
    await done;
    await this.callWell();
    await until('calls still run', () => this.controller?.running === 0);
    await until('connections are left', async () => (await this.connections()) === 1);
    checkPrototypes();
    if (this.log.wrong !== undefined) fail('a line of the log says what was sent', this.log.wrong);
  }

  private async play({ stream, ending }: LiveConnection): Promise<void> {
    const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true });
    // A reset is an answer, too.
    socket.on('error', () => {});
    let gone = false;
    const closed = new Promise<void>((resolve) => {
      socket.once('close', () => {
        gone = true;
        resolve();
      });
    });
    await Promise.race([once(socket, 'connect').catch(() => {}), closed]);
    socket.resume();
    for (const piece of stream) {
      if (socket.writable) socket.write(piece);
      await setImmediate();
    }
    finish(socket, ending);
    try {
      await until('a connection whose client has ended is not closed', () => gone);
    } finally {
      socket.destroy();
    }
  }

  private async callWell(): Promise<void> {
    const text = `call ${++this.calls}`;
    const client = this.client!;
    const [echo, sum] = await Promise.all([
      lastValueFrom(client.send<string>('echo', text)),
      lastValueFrom(client.send<number>('sum', threeItems())),
    ]);
    if (echo !== text || sum !== 3) fail('a well-behaved client got something else', { echo, sum });
  }

  private connections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.unwrap().getConnections((error, count) => {
        if (error === null) resolve(count);
        else reject(error);
      });
    });
  }
}

function newServer(): XtcpServer {
  return new XtcpServer({
    port: 0,
    gracePeriodMs: 100,
    incompleteMessageTimeout: 50,
    halfCloseTimeoutMs: 50,
    maxFrameBytes: 65_536,
    // Whoever begins with a letter gets into HTTP.
    probes: { metrics: false },
  });
}

function finish(socket: Socket, ending: Ending): void {
  switch (ending) {
    case 'end':
      socket.end();
      break;
    case 'reset':
      if (!socket.destroyed) socket.resetAndDestroy();
      break;
    case 'destroy':
      socket.destroy();
      break;
  }
}

async function* threeItems(): AsyncGenerator<number> {
  yield* [1, 2, 3];
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await holds()); waited += BETWEEN_LOOKS_MS) {
    if (waited > PATIENCE_MS) fail(what, `for ${PATIENCE_MS} ms`);
    await setTimeout(BETWEEN_LOOKS_MS);
  }
}
