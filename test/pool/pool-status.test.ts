import { expect, test } from 'vitest';

import { XtcpError } from '../../src/errors/xtcp-error.js';
import { pooled } from './fake-dial.js';

test('a connection that opens says connected', () => {
  const { call, opened, told } = pooled();
  call('a');
  expect(told).toEqual([]);

  opened(0);
  expect(told).toEqual(['connect', 'connected']);
});

test('a dial that fails says lost and disconnected', () => {
  const { call, dialled, told } = pooled();
  call('a');
  dialled(0).fail();

  expect(told).toEqual(['lost UNAVAILABLE', 'disconnected', 'close']);
});

test('a dial that fails beside an open connection does not say disconnected', () => {
  const { call, dialled, opened, told } = pooled();
  call('a');
  call('b');
  opened(0);
  dialled(1).fail();

  expect(told).toEqual(['connect', 'connected', 'lost UNAVAILABLE', 'close']);
});

test('a connection lost with a call on it says lost and disconnected', () => {
  const { call, dialled, opened, told } = pooled();
  call('a');
  opened(0);
  told.length = 0;
  dialled(0).bytes.close(new Error('reset'));

  expect(told).toEqual(['lost UNAVAILABLE', 'disconnected', 'close']);
});

test('a server that closes behind its answer says close, and is not taken to be gone', () => {
  const { call, dialled, opened, told } = pooled();
  call('a');
  opened(0).answer('A');
  told.length = 0;
  dialled(0).close();

  expect(told).toEqual(['close']);
});

test('a server that closes behind several answers says disconnected, not lost', () => {
  const { call, dialled, opened, told } = pooled({ connections: 1, pipelining: 2 });
  call('a');
  call('b');
  opened(0).answer('A', 'B');
  told.length = 0;
  dialled(0).close();

  expect(told).toEqual(['disconnected', 'close']);
});

test('a server that closes one of two connections is not taken to be gone', () => {
  const { call, dialled, opened, told } = pooled({ connections: 2, pipelining: 2 });
  for (const method of ['a', 'b', 'c']) call(method);
  opened(0).answer('A', 'C');
  opened(1).answer('B');
  told.length = 0;
  dialled(0).close();

  expect(told).toEqual(['close']);
});

test('a server that closes before any answer says disconnected', async () => {
  const { pool, dialled, opened, told } = pooled();
  const connecting = pool.connect();
  opened(0);
  await connecting;
  told.length = 0;
  dialled(0).close();

  expect(told).toEqual(['disconnected', 'close']);
});

test('a call that is cancelled or times out says neither lost nor disconnected', () => {
  const { call, clock, dialled, opened, told } = pooled({ requestTimeoutMs: 2000 });
  const { cancel } = call('a');
  call('b');
  opened(0);
  opened(1);
  told.length = 0;
  cancel();
  clock.advance(2000);
  expect(told).toEqual([]);

  for (const index of [0, 1]) dialled(index).bytes.close();
  expect(told).toEqual(['close', 'close']);
});

test('closing the pool says disconnected, before its connections are closed', async () => {
  const { pool, call, dialled, opened, told } = pooled();
  call('a');
  opened(0);
  told.length = 0;
  const closing = pool.close(new XtcpError('CANCELLED', 'closed'));
  expect(told).toEqual(['disconnected']);

  dialled(0).bytes.close();
  await closing;
  expect(told).toEqual(['disconnected', 'close']);
});
