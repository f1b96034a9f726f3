import { expect, test } from 'vitest';

import { requestOf, respond } from './responder-fixture.js';

const SHUTTING_DOWN = 'XTCP Server: UNAVAILABLE: the server is shutting down';

test('an idle connection is closed at once', () => {
  const { bytes, responder } = respond();
  responder.drain();

  expect(bytes.did).toContain('end');
  expect(bytes.take()).toBe('');
});

test('a connection on which only half a request has come is closed at once', () => {
  const { bytes, clock, responder, bad } = respond({ incompleteMessageTimeout: 500 });
  bytes.receive('4\r\nha');
  responder.drain();
  expect(bytes.did).toContain('end');

  clock.advance(500);
  expect(bad).toEqual([]);
});

test('requests that run are answered, then the connection is closed', () => {
  const { bytes, responder, request, served, answers } = respond();
  request('a', 'b');
  responder.drain();
  served('b').answer('B');
  expect(bytes.did).not.toContain('end');

  served('a').answer('A');
  expect(answers()).toEqual(['A', 'B']);
  expect(bytes.did).toContain('end');
});

test('a request that comes afterwards is not started, and told so in its turn', () => {
  const { bytes, responder, request, served, started, answers } = respond();
  request('a');
  responder.drain();
  request('b');
  expect(answers()).toEqual([]);

  served('a').answer('A');
  expect(started).toEqual(['a']);
  expect(answers()).toEqual(['A', SHUTTING_DOWN]);
  expect(bytes.did).toContain('end');
});

test('requests that wait for a place are not started either', () => {
  const { responder, request, served, started, answers, bytes } = respond({ maxCalls: 1 });
  request('a', 'b', 'c');
  responder.drain();
  served('a').answer('A');

  expect(started).toEqual(['a']);
  expect(answers()[0]).toBe('A');
  expect(bytes.did).toContain('end');
});

test('requests that wait for a place are told so', () => {
  const { responder, request, served, answers } = respond({ maxCalls: 1 });
  request('a', 'b', 'c');
  responder.drain();
  served('a').answer('A');

  expect(answers()).toEqual(['A', SHUTTING_DOWN, SHUTTING_DOWN]);
});

test('what is no request is answered as ever', () => {
  const { bytes, responder, request, served, answers, bad } = respond();
  request('a');
  responder.drain();
  bytes.receive('x');
  served('a').answer('A');

  expect(answers()).toEqual(['A', expect.stringContaining('Malformed Client Request')]);
  expect(bad).toHaveLength(1);
  expect(bytes.did).toContain('end');
});

test('a client that ends its output is answered', () => {
  const { bytes, responder, request, served, answers } = respond();
  request('a');
  responder.drain();
  bytes.receiveEnd();
  served('a').answer('A');

  expect(answers()).toEqual(['A']);
  expect(bytes.did).toContain('end');
});

test('one that has sent what is no request is read no further', () => {
  const { bytes, responder, request, served, answers } = respond();
  request('a');
  bytes.receive('5\r\nhello\r\n\r\n');
  responder.drain();
  request('b');
  served('a').answer('A');

  expect(answers()).toEqual(['A', expect.stringContaining('Malformed Client Request')]);
  expect(bytes.did).toContain('end');
});

test('draining one that ends, drains or is gone already changes nothing', () => {
  const ending = respond();
  ending.request('a');
  ending.bytes.receiveEnd();
  ending.responder.drain();
  ending.served('a').answer('A');
  expect(ending.answers()).toEqual(['A']);

  const draining = respond();
  draining.request('a');
  draining.responder.drain();
  draining.responder.drain();
  draining.bytes.receive(requestOf('b'));
  draining.served('a').answer('A');
  expect(draining.answers()).toEqual(['A', SHUTTING_DOWN]);

  const gone = respond();
  gone.bytes.close();
  gone.responder.drain();
  expect(gone.bytes.did).toEqual([]);
});

test('a client that is slow to take its last answer gets all of it', () => {
  const { bytes, clock, responder, request, served } = respond();
  request('a');
  responder.drain();
  bytes.keepsUp = false;
  served('a').answer('A'.repeat(1000));
  clock.advance(1000);

  expect(bytes.did).toContain('end');
  expect(bytes.did).not.toContain('destroy');
});
