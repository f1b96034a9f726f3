import { firstValueFrom } from 'rxjs';
import { expect, onTestFinished, test, vi } from 'vitest';

import { failureOf } from '../nest/support/failures.js';
import { frameOf } from '../session/session-play.js';
import { rawServer } from '../support/raw.js';
import { clientOf } from '../support/service.js';

test('a call that waits to be made again fails when the client is closed, and nothing is dialled for it', async () => {
  // It waits for as long as it may.
  const random = vi.spyOn(Math, 'random').mockReturnValue(0.999_999);
  onTestFinished(() => {
    random.mockRestore();
  });
  let connections = 0;
  const { port } = await rawServer((peer) => {
    connections++;
    peer.send(frameOf('xtcp', '1', '{}'));
    void peer
      .until(() => peer.bytes.includes('Qt2'))
      .then(() => {
        // Behind the error of the first, the answer to the second: when that is here, the first one waits.
        peer.send(frameOf('E1', '{"code":"UNAVAILABLE","message":"m","executed":false}') + frameOf('At2', 'B'));
      });
    peer.socket.on('end', () => {
      peer.socket.end();
    });
  });
  const client = clientOf(port, { protocol: 'session' });
  const failed = failureOf(client.send('a', 'A'));
  expect(await firstValueFrom(client.send('b', 'B'))).toBe('B');
  await client.close();
  expect(await failed).toMatchObject({ code: 'CANCELLED', pattern: 'a' });
  expect(connections).toBe(1);
});
