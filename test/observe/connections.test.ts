import { connect } from 'node:net';
import { once } from 'node:events';

import { lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';

import type { ServerConnectionEvent } from '../../src/index.js';
import { clientOf, startService } from '../support/service.js';
import { Behaviours } from './controller.js';
import { Recording } from './recording.js';

describe('connections', () => {
  it.each(['session', 'classic'] as const)('over %s are told open and closed on both sides', async (protocol) => {
    const { port } = await startService([Behaviours]);
    const recording = new Recording();
    const client = clientOf(port, { protocol });
    await lastValueFrom(client.send('upper', 'x'));
    await client.close();
    const [closed] = await recording.until<ServerConnectionEvent>('server:connection:close');
    await recording.until('client:connection:close');
    expect(recording.of('client:connection:open')).toEqual([{ endpoint: `127.0.0.1:${port}`, error: undefined }]);
    expect(recording.of('client:connection:close')).toEqual(recording.of('client:connection:open'));
    expect(recording.of('server:connection:open')).toEqual([closed]);
    expect(closed).toMatchObject({ remoteAddress: '127.0.0.1', reason: undefined });
    expect(recording.of('client:connection:lost')).toEqual([]);
    expect(recording.of('server:connection:break')).toEqual([]);
  });

  it('that cannot be opened are lost, and were never open', async () => {
    const { port, app } = await startService([Behaviours]);
    await app.close();
    const recording = new Recording();
    await expect(clientOf(port, { protocol: 'session', retries: 0 }).connect()).rejects.toBeDefined();
    expect(recording.of('client:connection:lost')).toMatchObject([
      { endpoint: `127.0.0.1:${port}`, error: { code: 'UNAVAILABLE' } },
    ]);
    expect(recording.of('client:connection:open')).toEqual([]);
    expect(recording.of('client:connection:close')).toEqual([]);
  });

  it('that are one too many are refused, and neither open nor close', async () => {
    const { port } = await startService([Behaviours], { maxConnections: 1 });
    const recording = new Recording();
    const first = connect(port, '127.0.0.1');
    await recording.until('server:connection:open');
    const second = connect(port, '127.0.0.1').resume();
    const closed = once(second, 'close');
    const [refused] = await recording.until<ServerConnectionEvent>('server:connection:refuse');
    await closed;
    expect(refused?.reason).toContain('maxConnections');
    first.destroy();
    await recording.until('server:connection:close');
    expect(recording.of('server:connection:open')).toHaveLength(1);
    expect(recording.of('server:connection:close')).toHaveLength(1);
  });

  it('whose client sends what is no frame break, then close', async () => {
    const { port } = await startService([Behaviours]);
    const recording = new Recording();
    const socket = connect(port, '127.0.0.1').resume();
    const closed = once(socket, 'close');
    socket.write('nonsense\n');
    await Promise.all([closed, recording.until('server:connection:close')]);
    expect(recording.told.map(({ channel }) => channel)).toEqual([
      'server:connection:open',
      'server:connection:break',
      'server:connection:close',
    ]);
    expect(JSON.stringify(recording.told)).not.toContain('nonsense');
  });
});
