import { Inject, Injectable } from '@nestjs/common';
import type { ClientProxy } from '@nestjs/microservices';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { firstValueFrom } from 'rxjs';

import { XtcpClient } from '../client/xtcp-client.js';
import { XtcpRecordBuilder } from '../client/xtcp-record.js';
import { XtcpError, type XtcpErrorCode } from '../errors/xtcp-error.js';
import { codeOfFailure, readHealthReply, type HealthReplyStatus } from './health-reply.js';

const UNIMPLEMENTED = ['down', 'degraded', 'up'] as const;

export interface XtcpPingCheckOptions {
  /** Milliseconds that the check may take in all, connecting and waiting for a connection included. Default 1000. */
  timeout?: number | undefined;
  /** The service of the server that is asked for. Default: the whole server. */
  service?: string | undefined;
  /**
   * What a server counts as that can be reached and has no `xtcp.health`: one of xtcp 0.2, say. `degraded` shows it, and
   * fails no check. Default `down`: it does not say that it serves.
   */
  unimplemented?: 'down' | 'degraded' | 'up' | undefined;
}

/** What a result says beside `status`. No address, no message of the other side: health is often public. */
export interface XtcpHealthData {
  [key: string]: unknown;
  /** What the server answered. */
  servingStatus?: HealthReplyStatus;
  /** What the call failed with, where there was no such answer. */
  code?: XtcpErrorCode;
}

/**
 * Asks servers over xtcp how they are, for `HealthCheckService` of `@nestjs/terminus`. To be among the providers of a
 * module that imports TerminusModule:
 *
 *     this.health.check([() => this.xtcp.pingCheck('upper', this.client, { timeout: 500 })])
 */
@Injectable()
export class XtcpHealthIndicator {
  constructor(@Inject(HealthIndicatorService) private readonly healthIndicatorService: HealthIndicatorService) {}

  /**
   * Makes one call of `xtcp.health`. `up` only where the answer is SERVING: a server that drains is down. The call uses
   * the client's connection as any other does, so that it tells whether calls of this client get through.
   * @param key what the result stands under
   * @param client an `XtcpClient`, as it was injected
   * @throws {XtcpError} INVALID_ARGUMENT where the client is none, or an option is wrong; a server's state never throws
   */
  async pingCheck<const Key extends string>(
    key: Key,
    client: ClientProxy,
    { timeout = 1000, service = '', unimplemented = 'down' }: XtcpPingCheckOptions = {},
  ): Promise<HealthIndicatorResult<Key>> {
    if (!(client instanceof XtcpClient)) throw wrong(key, 'the client is no XtcpClient');
    if (!Number.isFinite(timeout) || timeout <= 0) throw wrong(key, 'the timeout is no number of milliseconds above 0');
    if (typeof service !== 'string') throw wrong(key, 'the service is no text');
    if (!UNIMPLEMENTED.includes(unimplemented)) throw wrong(key, `unimplemented takes ${UNIMPLEMENTED.join(', ')}`);

    const result = this.healthIndicatorService.check(key);
    const data = await ask(client, service, timeout);
    if (data.servingStatus === 'SERVING') return result.up(data);
    if (data.code !== 'UNIMPLEMENTED' || unimplemented === 'down') return result.down(data);
    return unimplemented === 'up' ? result.up(data) : result.degraded(data);
  }
}

async function ask(client: XtcpClient, service: string, timeoutMs: number): Promise<XtcpHealthData> {
  try {
    // The time limit of the call holds for waiting in the client, too, and for what it makes again by itself.
    const record = new XtcpRecordBuilder(service).setTimeout(timeoutMs).build();
    const answer = await firstValueFrom(client.send('xtcp.health', record), { defaultValue: undefined });
    const servingStatus = readHealthReply(answer);
    return servingStatus === undefined ? { code: 'UNIMPLEMENTED' } : { servingStatus };
  } catch (error) {
    return { code: codeOfFailure(error) };
  }
}

function wrong(key: string, what: string): XtcpError {
  return new XtcpError('INVALID_ARGUMENT', `XtcpHealthIndicator: of the check "${key}", ${what}`);
}
