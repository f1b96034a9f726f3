import { Controller, Logger } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { onTestFinished } from 'vitest';

import type { XtcpClient, XtcpClientOptions, XtcpContext, XtcpServerOptions } from '../../src/index.js';
import { deferred, Happenings } from '../nest/support/deferred.js';
import { frameOf, framesIn } from '../session/session-play.js';
import { RawPeer } from '../support/raw.js';
import { clientOf, startService, type Service } from '../support/service.js';

export interface Serving extends Service {
  /** What handlers that were called had for their data. */
  readonly called: Happenings<unknown>;
  /** Lets the calls of `wait` end. */
  readonly open: () => void;
  /** A client that speaks sessions, closed when the test ends. */
  readonly client: (options?: XtcpClientOptions) => XtcpClient;
  /** A connection that is nothing but a socket. */
  readonly raw: () => Promise<RawPeer>;
}

/** A service with the patterns `echo`, `wait` and `identity`. */
export async function serving(options: XtcpServerOptions = {}): Promise<Serving> {
  const called = new Happenings<unknown>();
  const gate = deferred();
  @Controller()
  class TestController {
    @MessagePattern('echo')
    echo(@Payload() data: unknown): unknown {
      called.add(data);
      return data;
    }

    @MessagePattern('wait')
    async wait(@Payload() data: unknown): Promise<unknown> {
      called.add(data);
      await gate.promise;
      return data;
    }

    @MessagePattern('identity')
    identity(@Ctx() context: XtcpContext): unknown {
      return { identity: context.identity };
    }
  }
  const service = await startService([TestController], options);
  onTestFinished(() => {
    gate.resolve();
  });
  return {
    ...service,
    called,
    open: gate.resolve,
    client: (given) => clientOf(service.port, { protocol: 'session', ...given }),
    raw: () => RawPeer.dial(service.port),
  };
}

/** A client's hello, as it goes over the wire. */
export function hello(members: object = {}): string {
  return frameOf('xtcp', '1', JSON.stringify(members));
}

/** Waits for the next frame, and takes it. */
export async function takeFrame(peer: RawPeer): Promise<string[]> {
  const whole = (): string | undefined => /^(?:\d+\r\n[^\r\n]*\r\n)+\r\n/.exec(peer.bytes)?.[0];
  await peer.until(() => whole() !== undefined || peer.ended || peer.closed);
  return framesIn(await peer.take(whole()?.length ?? 0))[0] ?? [];
}

/** What is logged from here on, by all loggers; for after the service has started, which silences them. */
export function logged(): Happenings {
  const lines = new Happenings();
  const add = (line: unknown): void => {
    lines.add(String(line));
  };
  Logger.overrideLogger({ log: add, warn: add, error: add });
  onTestFinished(() => {
    Logger.overrideLogger(false);
  });
  return lines;
}
