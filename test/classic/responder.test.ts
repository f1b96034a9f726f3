import { describe, expect, test } from 'vitest';

import { XtcpError } from '../../src/errors/xtcp-error.js';
import { requestOf, respond } from './responder-fixture.js';

describe('a request', () => {
  test('is served with its two fields, and answered with one', () => {
    const { bytes, served } = respond();
    bytes.receive('7\r\ntoupper\r\n8\r\nxiaoxiao\r\n\r\n');
    expect(served('toupper').params).toBe('xiaoxiao');

    served('toupper').answer('XIAOXIAO');
    expect(bytes.take()).toBe('8\r\nXIAOXIAO\r\n\r\n');
    expect(bytes.did).toEqual([]);
  });

  test('may have empty params, and params with CRLFCRLF', () => {
    const { bytes, served } = respond();
    bytes.receive('4\r\ninfo\r\n0\r\n\r\n\r\n1\r\na\r\n4\r\n\r\n\r\n\r\n\r\n');

    expect(served('info').params).toBe('');
    expect(served('a').params).toBe('\r\n\r\n');
  });

  test('may be answered with text, octets or nothing', () => {
    const { request, served, bytes } = respond();
    request('a', 'b', 'c');
    served('a').answer('小');
    served('b').answer(Buffer.from([0xff]));
    served('c').answer('');

    expect(bytes.take()).toBe('3\r\n\xe5\xb0\x8f\r\n\r\n1\r\n\xff\r\n\r\n0\r\n\r\n\r\n');
  });

  test('may be answered with an error, and the connection stays open', () => {
    const { request, served, answers, bytes, started } = respond();
    request('a');
    served('a').answer(new XtcpError('UNIMPLEMENTED', 'no such method'));
    request('b');

    expect(answers()).toEqual(['XTCP Server: UNIMPLEMENTED: no such method']);
    expect(bytes.did).toEqual([]);
    expect(started).toEqual(['a', 'b']);
  });

  test('is answered once: the first answer counts', () => {
    const { request, served, answers } = respond();
    request('a', 'b');
    served('b').answer('first');
    served('b').answer('second');
    served('a').answer('a');
    served('a').answer('late');
    served('b').answer('late');

    expect(answers()).toEqual(['a', 'first']);
  });

  test('may be answered before its handler has returned', () => {
    const { request, answers } = respond();
    request('now', 'now');

    expect(answers()).toEqual(['done', 'done']);
  });
});

describe('requests behind one another', () => {
  test('run side by side and are answered in their order, however their handlers end', () => {
    const { request, served, started, answers } = respond();
    request('a', 'b', 'c');
    expect(started).toEqual(['a', 'b', 'c']);

    served('c').answer('C');
    served('b').answer(new XtcpError('INTERNAL', 'failed'));
    expect(answers()).toEqual([]);
    served('a').answer('A');
    expect(answers()).toEqual(['A', 'XTCP Server: INTERNAL: failed', 'C']);
  });

  test('wait for an older one even when they are answered at once', () => {
    const { request, served, answers } = respond();
    request('a', 'now');
    expect(answers()).toEqual([]);

    served('a').answer('A');
    expect(answers()).toEqual(['A', 'done']);
  });

  test('over maxCalls wait unread until one has been answered', () => {
    const { request, served, started, answers } = respond({ maxCalls: 2 });
    request('a', 'b', 'c', 'd');
    expect(started).toEqual(['a', 'b']);

    served('b').answer('B');
    expect(started).toEqual(['a', 'b']);
    served('a').answer('A');
    expect(started).toEqual(['a', 'b', 'c', 'd']);
    expect(answers()).toEqual(['A', 'B']);
  });

  test('run one by one with maxCalls 1', () => {
    const { request, served, started, answers } = respond({ maxCalls: 1 });
    request('a', 'now', 'b', 'c');
    expect(started).toEqual(['a']);

    served('a').answer('A');
    expect(started).toEqual(['a', 'now', 'b']);
    served('b').answer('B');
    expect(started).toEqual(['a', 'now', 'b', 'c']);
    served('c').answer('C');
    expect(answers()).toEqual(['A', 'done', 'B', 'C']);
  });

  test('of a thousand, answered at once with maxCalls 1, are all answered', () => {
    const { request, answers } = respond({ maxCalls: 1 });
    request(...Array.from({ length: 1000 }, () => 'now'));

    expect(answers()).toHaveLength(1000);
  });

  test('stop the reading at maxCalls, and their answer starts it again', () => {
    const { bytes, request, served, started } = respond({ maxCalls: 1 });
    request('a');
    request('b');
    expect(bytes.did).toEqual(['pause']);

    served('a').answer('A');
    expect(bytes.did).toEqual(['pause']);
    expect(started).toEqual(['a', 'b']);
    served('b').answer('B');
    expect(bytes.did).toEqual(['pause', 'resume']);
  });
});

describe('a client that does not take its answers', () => {
  test('starts no further request until it has taken them', () => {
    const { bytes, request, served, started, answers } = respond();
    request('a', 'b');
    bytes.keepsUp = false;
    served('a').answer('A');
    request('c');
    request('d');
    expect(started).toEqual(['a', 'b']);
    expect(bytes.did).toContain('pause');

    bytes.keepsUp = true;
    bytes.drain();
    expect(started).toEqual(['a', 'b', 'c', 'd']);
    expect(answers()).toEqual(['A']);
  });

  test('is still sent the answers to what runs', () => {
    const { bytes, request, served, answers } = respond();
    request('a', 'b');
    bytes.keepsUp = false;
    served('a').answer('A');
    served('b').answer('B');

    expect(answers()).toEqual(['A', 'B']);
  });

  test('and sends only half a request stalls only once it is read again', () => {
    const { bytes, clock, request, served, bad } = respond({ incompleteMessageTimeout: 500 });
    request('a');
    bytes.receive(requestOf('b').slice(0, 5));
    bytes.keepsUp = false;
    served('a').answer('A');
    clock.advance(10_000);
    expect(bad).toEqual([]);

    bytes.drain();
    clock.advance(500);
    expect(bad).toMatchObject([{ code: 'DEADLINE_EXCEEDED' }]);
  });
});

describe('a client that is gone', () => {
  test('has its running requests cancelled, and not those that were answered', () => {
    const { bytes, request, served } = respond();
    request('a', 'b', 'c', 'now');
    served('a').answer('A');
    served('c').answer('C');
    bytes.close(new Error('reset'));

    expect(['a', 'b', 'c', 'now'].filter((method) => served(method).cancelled)).toEqual(['b']);
  });

  test('is not answered any more', () => {
    const { bytes, request, served } = respond();
    request('a');
    bytes.close();
    served('a').answer('A');

    expect(bytes.take()).toBe('');
    expect(bytes.did).toEqual([]);
  });

  test('has the requests that wait for a place not started', () => {
    const { bytes, request, served, started, clock } = respond({ maxCalls: 1 });
    request('a', 'b');
    bytes.close();
    served('a').answer('A');

    expect(started).toEqual(['a']);
    expect(clock.pending).toBe(0);
  });
});
