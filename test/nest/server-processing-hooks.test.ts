import { AsyncLocalStorage } from 'node:async_hooks';

import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { defer, of, Subject, throwError, type Observable } from 'rxjs';
import { beforeEach, expect, test } from 'vitest';

import { XTCP, XtcpContext, type XtcpServer } from '../../src/index.js';
import { RawPeer } from '../support/raw.js';
import { startService } from '../support/service.js';
import { ask, requestBytes, takeAnswer } from './support/classic.js';
import { deferred, Happenings } from './support/deferred.js';

const storage = new AsyncLocalStorage<string>();

let happened: Happenings;
let values: Subject<string>;
const contexts: unknown[] = [];

beforeEach(() => {
  happened = new Happenings();
  values = new Subject();
  contexts.length = 0;
});

@Controller()
class HookedController {
  @MessagePattern('call')
  call(@Payload() data: string, @Ctx() context: XtcpContext): string {
    happened.add(`handler ${data}`);
    contexts.push(context);
    return data;
  }

  @MessagePattern('stream')
  stream(): Observable<string> {
    happened.add('handler');
    return values;
  }

  @MessagePattern('fail')
  fail(@Payload() how: string): Observable<string> {
    if (how === 'throw') throw new RpcException('failed');
    return throwError(() => new RpcException('failed'));
  }

  @MessagePattern('store')
  async store(): Promise<Observable<string>> {
    await Promise.resolve();
    const inHandler = storage.getStore();
    return defer(() => of(`${inHandler} ${storage.getStore()}`));
  }

  @EventPattern('event')
  event(@Payload() _data: string): void {
    happened.add('event');
  }

  @EventPattern('event')
  other(@Payload() _data: string): Observable<string> {
    happened.add('event');
    return values;
  }
}

/** Notes start and end, as instrumentation does. */
function noteHooks(_app: unknown, server: XtcpServer): void {
  server.setOnProcessingStartHook((_id, context, done) => {
    happened.add(`start ${(context as XtcpContext).getPattern()}`);
    void done();
  });
  server.setOnProcessingEndHook((_id, context) => {
    happened.add(`end ${(context as XtcpContext).getPattern()}`);
  });
}

test('the start hook runs before the handler, the end hook behind it, once each', async () => {
  const { port } = await startService([HookedController], {}, noteHooks);
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'call', 'one')).toBe('one');
  expect(happened.all).toEqual(['start call', 'handler one', 'end call']);
  expect(await ask(peer, 'call', 'two')).toBe('two');
  expect(happened.all.slice(3)).toEqual(['start call', 'handler two', 'end call']);
});

test('the hooks get the transport id, and the context that the handler gets', async () => {
  const ids: unknown[] = [];
  const { port } = await startService([HookedController], {}, (_app, server) => {
    server.setOnProcessingStartHook((id, context, done) => {
      ids.push(id);
      contexts.push(context);
      return done();
    });
    server.setOnProcessingEndHook((id, context) => {
      ids.push(id);
      contexts.push(context);
    });
  });
  await ask(await RawPeer.dial(port), 'call', '');

  expect(ids).toEqual([XTCP, XTCP]);
  expect(contexts).toHaveLength(3);
  expect(contexts[0]).toBeInstanceOf(XtcpContext);
  expect(new Set(contexts).size).toBe(1);
});

test('the end hook runs when the Observable has ended, not at its first value', async () => {
  const { port } = await startService([HookedController], {}, noteHooks);
  const peer = await RawPeer.dial(port);

  peer.send(requestBytes('stream', ''));
  await happened.count(2);
  values.next('first');
  expect(await ask(await RawPeer.dial(port), 'call', 'meanwhile')).toBe('meanwhile');
  expect(happened.all).not.toContain('end stream');
  values.next('last');
  values.complete();

  expect(await takeAnswer(peer)).toBe('last');
  expect(happened.all.filter((what) => what === 'end stream')).toHaveLength(1);
});

test('for a pattern with several event handlers the hooks run once, the end hook when all have ended', async () => {
  const { port } = await startService([HookedController], {}, noteHooks);
  const peer = await RawPeer.dial(port);

  peer.send(requestBytes('event', ''));
  await happened.count(3);
  expect(await ask(await RawPeer.dial(port), 'call', 'meanwhile')).toBe('meanwhile');
  expect(happened.all).not.toContain('end event');
  values.complete();

  expect(await takeAnswer(peer)).toBe('');
  expect(happened.all.filter((what) => what.endsWith(' event'))).toEqual(['start event', 'end event']);
});

test.each(['throw', 'observable'])('the end hook runs once where the handler fails (%s)', async (how) => {
  const { port } = await startService([HookedController], {}, noteHooks);

  expect(await ask(await RawPeer.dial(port), 'fail', how)).toContain('failed');
  expect(happened.all).toEqual(['start fail', 'end fail']);
});

test('the end hook runs when the caller of an Observable is gone', async () => {
  const { port } = await startService([HookedController], {}, noteHooks);
  const peer = await RawPeer.dial(port);

  peer.send(requestBytes('stream', ''));
  await happened.count(2);
  peer.socket.resetAndDestroy();

  expect(await happened.count(3)).toEqual(['start stream', 'handler', 'end stream']);
});

test('the handler waits for an asynchronous start hook', async () => {
  const goOn = deferred();
  const { port } = await startService([HookedController], {}, (_app, server) => {
    server.setOnProcessingStartHook(async (_id, _context, done) => {
      happened.add('start');
      await goOn.promise;
      happened.add('went on');
      await done();
    });
  });
  const peer = await RawPeer.dial(port);

  peer.send(requestBytes('call', 'x'));
  await happened.count(1);
  goOn.resolve();

  expect(await takeAnswer(peer)).toBe('x');
  expect(happened.all).toEqual(['start', 'went on', 'handler x']);
});

test('the async context of a start hook reaches the handler and the subscription to its Observable', async () => {
  const { port } = await startService([HookedController], {}, (_app, server) => {
    server.setOnProcessingStartHook((_id, _context, done) => {
      storage.run('stored', () => void done());
    });
  });

  expect(await ask(await RawPeer.dial(port), 'store')).toBe('stored stored');
});
