import { Controller, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { onTestFinished } from 'vitest';

import { type XtcpContext, XtcpException, XtcpServer, type XtcpServerOptions } from '../../src/index.js';
import type { Router } from '../../src/server/router.js';
import { moduleOf } from '../support/service.js';

/** What the handlers saw of the calls of one test. */
export class Seen {
  readonly notes: unknown[] = [];
  /** Items that `endless` was asked for. */
  items = 0;
  cancelled = 0;
  /** Calls of `count`. */
  counts = 0;
  private readonly waiting = new Set<() => void>();

  changed(): void {
    for (const look of this.waiting) look();
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.waiting.add(resolve));
  }
}

function describeValue(value: unknown): string {
  if (Buffer.isBuffer(value)) return `bytes ${value.toString('hex')}`;
  return value === undefined ? 'nothing' : `${typeof value} ${JSON.stringify(value)}`;
}

function controllerOf(seen: Seen): new () => object {
  @Controller()
  class EverythingController {
    @MessagePattern('toupper')
    toupper(@Payload() name: string): string {
      return name.toUpperCase();
    }

    @MessagePattern('describe')
    describe(@Payload() value: unknown): string {
      return describeValue(value);
    }

    @MessagePattern({ cmd: 'object' })
    object(): object {
      return { name: 'xiaoxiao', list: [1, null] };
    }

    @MessagePattern('bytes')
    bytes(): Buffer {
      return Buffer.from([0, 255, 10, 27]);
    }

    @MessagePattern('nothing')
    nothing(): undefined {
      return undefined;
    }

    @MessagePattern('count')
    async *count(@Payload() to: string): AsyncGenerator {
      seen.counts++;
      for (let number = 1; number <= Number(to); number++) yield number % 2 === 1 ? `item ${number}` : { number };
    }

    @MessagePattern('endless')
    async *endless(): AsyncGenerator<string> {
      try {
        for (;;) {
          seen.items++;
          yield `${seen.items} `.padEnd(1000, '.');
        }
      } finally {
        seen.cancelled++;
        seen.changed();
      }
    }

    @MessagePattern('join')
    async join(@Payload() lines: AsyncIterable<unknown>): Promise<unknown> {
      const all: unknown[] = [];
      for await (const line of lines) all.push(line);
      return all;
    }

    @MessagePattern('first')
    async first(@Payload() lines: AsyncIterable<unknown>): Promise<unknown> {
      for await (const line of lines) return line;
      return undefined;
    }

    @MessagePattern('metadata')
    metadata(@Ctx() context: XtcpContext): unknown {
      context.setMetadata({ took: '1 ms', 'a\nb': 'c' });
      return { ...context.getMetadata() };
    }

    @MessagePattern('timeleft')
    timeLeft(@Ctx() context: XtcpContext): string {
      return context.deadline === undefined ? 'any' : 'bounded';
    }

    @MessagePattern('hang')
    async hang(@Ctx() context: XtcpContext): Promise<void> {
      seen.items++;
      seen.changed();
      await new Promise<void>((resolve) => {
        context.signal.addEventListener('abort', () => {
          resolve();
        });
      });
      seen.cancelled++;
      seen.changed();
    }

    @MessagePattern('broken')
    broken(): void {
      throw new Error('never shown');
    }

    @MessagePattern('refuse')
    refuse(): void {
      throw new RpcException({ reason: 'too\nmuch', limit: 3 });
    }

    @MessagePattern('forbid')
    forbid(): void {
      throw new XtcpException('PERMISSION_DENIED', 'not for you');
    }

    @EventPattern('note')
    note(@Payload() text: unknown): void {
      seen.notes.push(text);
      seen.changed();
    }
  }
  return EverythingController;
}

/** What a server answers to the reserved patterns in the place of what it would. */
export interface Told {
  readonly patterns?: unknown;
  health?: (service: unknown) => unknown;
}

/** A server of whose reserved patterns a test says what they answer: schemas of all kinds, and what is none. */
class TellingServer extends XtcpServer {
  constructor(options: XtcpServerOptions, { patterns, health }: Told) {
    super(options);
    const router = Reflect.get(this, 'router') as Router;
    if (patterns !== undefined) router.reserve('xtcp.patterns', () => patterns);
    if (health !== undefined) router.reserve('xtcp.health', health);
  }
}

export interface CliService {
  readonly app: INestMicroservice;
  readonly server: XtcpServer;
  /** As the command line takes it. */
  readonly target: string;
  readonly seen: Seen;
}

/** A real service with a handler for whatever the tests of the command line need; closed when the test ends. */
export async function startCliService(options: XtcpServerOptions = {}, told: Told = {}): Promise<CliService> {
  const seen = new Seen();
  const server = new TellingServer(
    { ...(options.path === undefined && { port: 0 }), gracePeriodMs: 100, ...options },
    told,
  );
  const metadata = { controllers: [controllerOf(seen)] };
  const app = await NestFactory.createMicroservice(moduleOf(metadata), { strategy: server, logger: false });
  onTestFinished(() => app.close());
  const address = (await app.listen()) as unknown as { port: number } | string;
  const target = typeof address === 'string' ? `unix:${address}` : `127.0.0.1:${address.port}`;
  return { app, server, target, seen };
}
