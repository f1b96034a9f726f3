import { connect, type ConnectionOptions, type TlsOptions } from 'node:tls';

import { Controller } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { onTestFinished } from 'vitest';

import type { XtcpClient, XtcpClientOptions, XtcpContext, XtcpServerOptions } from '../../src/index.js';
import { deferred, Happenings, type Deferred } from '../nest/support/deferred.js';
import { RawPeer } from '../support/raw.js';
import { clientOf, startService, type Service } from '../support/service.js';

/** What handlers have begun, and which callers have gone. */
export const happened = { begun: new Happenings(), gone: new Happenings() };
const gates = new Map<string, Deferred<void>>();

export function openGate(name: string): void {
  gates.get(name)?.resolve();
}

@Controller()
export class TlsController {
  @MessagePattern('toupper')
  toupper(@Payload() name: string): string {
    happened.begun.add(name);
    return name.toUpperCase();
  }

  /** Yields one number, waits for the gate of the name, and yields another. */
  @MessagePattern('two')
  async *two(@Payload() name: string): AsyncGenerator<number> {
    const gate = deferred();
    gates.set(name, gate);
    yield 1;
    await gate.promise;
    yield 2;
  }

  @MessagePattern('who')
  who(@Ctx() context: XtcpContext): string {
    return String(context.getPeerCertificate()?.subject.CN ?? 'nobody');
  }

  @MessagePattern('wait')
  wait(@Payload() name: string, @Ctx() context: XtcpContext): Promise<string> {
    happened.begun.add(name);
    return new Promise((resolve) => {
      context.signal.addEventListener('abort', () => {
        happened.gone.add(name);
        resolve('');
      });
    });
  }
}

/** A Nest service that speaks TLS. */
export function tlsService(tlsOptions: TlsOptions, options: XtcpServerOptions = {}): Promise<Service> {
  return startService([TlsController], { tlsOptions, ...options });
}

/** A client of it that speaks sessions, unless told otherwise. */
export function tlsClient(port: number, tlsOptions: ConnectionOptions, options: XtcpClientOptions = {}): XtcpClient {
  return clientOf(port, { protocol: 'session', tlsOptions, ...options });
}

/** As `RawPeer.dial`, over TLS; what it sends waits for the handshake. */
export function dialTls(port: number, tlsOptions: ConnectionOptions): RawPeer {
  // Node takes allowHalfOpen here, too, though its types do not say so.
  const options = { ...tlsOptions, port, host: '127.0.0.1', allowHalfOpen: true };
  const socket = connect(options);
  onTestFinished(() => {
    socket.destroy();
  });
  return new RawPeer(socket);
}

/** All ways in which a client may speak. */
export const PROTOCOLS = ['auto', 'session', 'classic'] as const;
