import { Controller, Inject, Injectable, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import {
  CONTEXT,
  EventPattern,
  MessagePattern,
  Payload,
  RpcException,
  type RequestContext,
} from '@nestjs/microservices';
import { of, type Observable } from 'rxjs';
import { expect, test } from 'vitest';

import type { XtcpContext } from '../../src/index.js';
import { RawPeer } from '../support/raw.js';
import { startService } from '../support/service.js';
import { applicationError, ask, requestBytes, takeAnswer } from './support/classic.js';

let made = 0;

@Injectable({ scope: Scope.REQUEST })
class Call {
  readonly number = ++made;
  constructor(@Inject(CONTEXT) readonly request: RequestContext<string, XtcpContext>) {
    if (request.getData() === 'refuse') throw new RpcException('refused by a provider');
  }
}

@Controller()
class ScopedController {
  constructor(
    private readonly call: Call,
    @Inject(REQUEST) private readonly request: RequestContext<string, XtcpContext>,
  ) {}

  @MessagePattern('number')
  number(): number {
    return this.call.number;
  }

  @MessagePattern('what')
  what(@Payload() data: string): object {
    const { call, request: own } = this;
    return {
      same: call.request === own,
      pattern: own.getPattern(),
      data: own.getData() === data,
      wire: own.getContext().getPattern(),
      address: own.getContext().getRemoteAddress(),
    };
  }

  @MessagePattern('later')
  later(): Observable<number> {
    return of(-1, this.call.number);
  }

  @EventPattern('told')
  told(@Payload() data: string): void {
    toldTo.push([this.call.number, data]);
  }

  @EventPattern('told')
  toldToo(@Payload() data: string): void {
    toldTo.push([this.call.number, data]);
  }
}

const toldTo: [number, string][] = [];

const module = { controllers: [ScopedController], providers: [Call] };

test('a request-scoped provider is made anew for each call, on one connection too', async () => {
  made = 0;
  const { port } = await startService(module);
  const peer = await RawPeer.dial(port);

  expect([await ask(peer, 'number'), await ask(peer, 'number'), await ask(peer, 'later')]).toEqual(['1', '2', '3']);
  peer.send(Buffer.concat([requestBytes('number', ''), requestBytes('number', '')]));
  expect([await takeAnswer(peer), await takeAnswer(peer)].toSorted()).toEqual(['4', '5']);
});

test('the call itself is injected as CONTEXT and as REQUEST', async () => {
  const { port } = await startService(module);
  const peer = await RawPeer.dial(port);

  expect(JSON.parse(await ask(peer, 'what', 'data'))).toEqual({
    same: true,
    pattern: 'what',
    data: true,
    wire: 'what',
    address: '127.0.0.1',
  });
});

test('the error of a request-scoped provider is answered like one of the handler', async () => {
  const { port } = await startService(module);
  const peer = await RawPeer.dial(port);

  expect(applicationError(await ask(peer, 'number', 'refuse'))).toEqual({
    status: 'error',
    message: 'refused by a provider',
  });
  expect(await ask(peer, 'what', 'data')).toContain('"data":true');
});

test('several request-scoped event handlers of one pattern all run, each with providers of its own', async () => {
  made = 0;
  toldTo.length = 0;
  const { port } = await startService(module);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'told', 'news')).toBe('');
  expect(toldTo.toSorted(([one], [other]) => one - other)).toEqual([
    [1, 'news'],
    [2, 'news'],
  ]);
});
