import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { Observable, UnsubscriptionError, type Subscription } from 'rxjs';
import { expect, test } from 'vitest';

import type { XtcpClient } from '../../src/index.js';
import { deferred, Happenings } from '../nest/support/deferred.js';
import { clientOf, startService } from '../support/service.js';
import { logged } from './serving.js';

const FAILED = String(new UnsubscriptionError([new Error('a clean-up that fails')]));

/** A service of Observables whose clean-up throws, each told of when it begins, and what it logs. */
async function throwing(): Promise<{
  port: number;
  begun: Happenings;
  lines: Happenings;
  open: () => void;
}> {
  const begun = new Happenings();
  const gate = deferred();
  @Controller()
  class ThrowingController {
    @MessagePattern('throwing')
    throwing(): Observable<string> {
      return new Observable((subscriber) => {
        subscriber.next('first');
        begun.add('throwing');
        return () => {
          throw new Error('a clean-up that fails');
        };
      });
    }

    @MessagePattern('wait')
    async wait(): Promise<string> {
      begun.add('wait');
      await gate.promise;
      return 'answered';
    }
  }
  const { port } = await startService([ThrowingController]);
  return { port, begun, lines: logged(), open: gate.resolve };
}

const leave = {
  'its caller cancels': (_: XtcpClient, subscription: Subscription) => {
    subscription.unsubscribe();
  },
  'its connection is lost': (client: XtcpClient) => {
    for (const socket of client.unwrap()) socket.destroy();
  },
};

test.each([
  ['session', 'its caller cancels'],
  ['session', 'its connection is lost'],
  ['classic', 'its caller cancels'],
] as const)('a clean-up that throws, of a %s call, is logged and ends nothing else: %s', async (protocol, how) => {
  const { port, begun, lines, open } = await throwing();
  const client = clientOf(port, { protocol, retries: 0 });
  const other = clientOf(port, { protocol: 'session' });
  const waiting = new Promise((resolve, reject) => {
    (protocol === 'session' && how === 'its caller cancels' ? client : other)
      .send('wait', '')
      .subscribe({ next: resolve, error: reject });
  });
  const subscription = client.send('throwing', '').subscribe({ error: () => {} });
  await begun.count(2);
  leave[how](client, subscription);

  await lines.including(FAILED);
  open();
  expect(await waiting).toBe('answered');
  expect(lines.all).toEqual([FAILED]);
});
