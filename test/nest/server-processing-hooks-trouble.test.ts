import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { beforeEach, expect, test } from 'vitest';

import type { XtcpServer } from '../../src/index.js';
import { RawPeer } from '../support/raw.js';
import { startService } from '../support/service.js';
import { acceptedBy, told } from './support/accepted.js';
import { ask, requestBytes } from './support/classic.js';
import { deferred, Happenings, type Deferred } from './support/deferred.js';

const INTERNAL = 'XTCP Server: INTERNAL: Internal server error';

let happened: Happenings;

beforeEach(() => {
  happened = new Happenings();
});

@Controller()
class HookedController {
  @MessagePattern('call')
  call(@Payload() data: string): string {
    happened.add(`handler ${data}`);
    return data;
  }

  @MessagePattern('fail')
  async fail(): Promise<string> {
    await Promise.resolve();
    throw new Error('secret');
  }
}

/** Hooks that note their calls; the start hook waits for the gate before it lets the handler run. */
function gatedHooks(gate: Deferred<void>): (app: unknown, server: XtcpServer) => void {
  return (_app, server) => {
    server.setOnProcessingStartHook(async (_id, _context, done) => {
      happened.add('start');
      await gate.promise;
      await done();
      happened.add('done');
    });
    server.setOnProcessingEndHook(() => {
      happened.add('end');
    });
  };
}

test('a start hook may drop the promise of done, whatever becomes of the call', async () => {
  const { port } = await startService([HookedController], {}, (_app, server) => {
    server.setOnProcessingStartHook((_id, _context, done) => {
      void done();
    });
  });
  const peer = await RawPeer.dial(port);

  // A promise that rejected would be an unhandled rejection, which fails the run.
  expect(await ask(peer, 'fail')).toContain('Internal server error');
  expect(await ask(peer, 'call', 'x')).toBe('x');
});

test('a start hook that calls done twice runs the handler once', async () => {
  const { port } = await startService([HookedController], {}, (_app, server) => {
    server.setOnProcessingStartHook((_id, _context, done) => {
      void done();
      void done();
    });
    server.setOnProcessingEndHook(() => {
      happened.add('end');
    });
  });
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'call', 'x')).toBe('x');
  expect(await ask(peer, 'call', 'y')).toBe('y');
  expect(happened.all).toEqual(['handler x', 'end', 'handler y', 'end']);
});

test.each([
  ['throws', (): never => { throw new Error('secret'); }], // oxfmt-ignore
  ['rejects', (): Promise<never> => Promise.reject(new Error('secret'))],
])('a start hook that %s is answered as an internal error, and the handler does not run', async (_how, hook) => {
  let bad = true;
  const { port } = await startService([HookedController], {}, (_app, server) => {
    server.setOnProcessingStartHook((_id, _context, done) => (bad ? hook() : done()));
  });
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'call', 'x')).toBe(INTERNAL);
  bad = false;
  expect(await ask(peer, 'call', 'y')).toBe('y');
  expect(happened.all).toEqual(['handler y']);
});

test('a start hook that throws behind done does not spoil the answer', async () => {
  const { port } = await startService([HookedController], {}, (_app, server) => {
    server.setOnProcessingStartHook((_id, _context, done) => {
      void done();
      throw new Error('secret');
    });
  });

  expect(await ask(await RawPeer.dial(port), 'call', 'x')).toBe('x');
});

test('an end hook that throws does not spoil the answer, nor the next call', async () => {
  const { port } = await startService([HookedController], {}, (_app, server) => {
    server.setOnProcessingEndHook(() => {
      throw new Error('secret');
    });
  });
  const peer = await RawPeer.dial(port);

  expect(await ask(peer, 'call', 'x')).toBe('x');
  expect(await ask(peer, 'call', 'y')).toBe('y');
});

test('a caller that leaves while the start hook waits: no handler runs, and the end hook runs still', async () => {
  const gate = deferred();
  const { port, server } = await startService([HookedController], {}, gatedHooks(gate));
  const accepted = acceptedBy(server);
  const peer = await RawPeer.dial(port);
  const [socket] = await accepted.count(1);

  peer.send(requestBytes('call', 'x'));
  await happened.count(1);
  const closed = told(socket!, 'close');
  peer.socket.resetAndDestroy();
  await closed;
  gate.resolve();

  await happened.including('done');
  expect(happened.all).not.toContain('handler x');
  expect(happened.all.filter((what) => what === 'end')).toHaveLength(1);
});

test('a handler whose start hook still waits when the server has closed does not start', async () => {
  const gate = deferred();
  const { port, server } = await startService([HookedController], { gracePeriodMs: 20 }, gatedHooks(gate));
  const peer = await RawPeer.dial(port);
  peer.send(requestBytes('call', 'x'));
  await happened.count(1);

  await server.close();
  gate.resolve();

  expect(await peer.takeAll()).toBe('');
  await happened.including('done');
  expect(happened.all).not.toContain('handler x');
});

test('a start hook that waits keeps close waiting, and its handler is answered', async () => {
  const gate = deferred();
  const { port, server } = await startService([HookedController], { gracePeriodMs: 5000 }, gatedHooks(gate));
  const peer = await RawPeer.dial(port);
  peer.send(requestBytes('call', 'x'));
  await happened.count(1);

  const closed = server.close();
  gate.resolve();

  expect(await peer.takeAll()).toBe('1\r\nx\r\n\r\n');
  peer.socket.end();
  await closed;
  expect(happened.all).toContain('end');
});
