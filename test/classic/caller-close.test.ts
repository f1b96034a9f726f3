import { describe, expect, test } from 'vitest';

import { XtcpError } from '../../src/errors/xtcp-error.js';
import { answerOf, calling } from './caller-fixture.js';

describe('a server that closes', () => {
  test('behind an answer is no error', () => {
    const { send, bytes, answer, told } = calling();
    const { values, errors } = send('a');
    answer('A');
    bytes.receiveEnd();
    bytes.close();

    expect(values).toEqual(['A']);
    expect(errors).toEqual([]);
    expect(told).toEqual(['answer', 'room', 'close server', 'gone']);
    expect(bytes.did).toContain('end');
  });

  test('behind an answer that comes together with its end is no error', () => {
    const { send, bytes } = calling();
    const { values, errors } = send('a');
    bytes.receive(answerOf('A'));
    bytes.receiveEnd();

    expect(values).toEqual(['A']);
    expect(errors).toEqual([]);
  });

  test('while idle is no error, even by a reset', () => {
    const { bytes, told } = calling();
    bytes.close(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));

    expect(told).toEqual(['close server', 'gone']);
  });

  test('without an answer fails the call', () => {
    const { send, bytes, told, clock } = calling();
    const { errors } = send('a');
    bytes.receiveEnd();
    bytes.close();

    expect(errors).toMatchObject([{ code: 'UNAVAILABLE', executed: undefined }]);
    expect(errors[0]?.message).toContain('without an answer');
    expect(told).toEqual(['close UNAVAILABLE', 'gone']);
    expect(bytes.did).toEqual(['destroy']);
    expect(clock.pending).toBe(0);
  });

  test('both ways at once fails the call', () => {
    const { send, bytes, told } = calling();
    const { errors } = send('a');
    bytes.close();

    expect(errors).toMatchObject([{ code: 'UNAVAILABLE', executed: undefined }]);
    expect(errors[0]?.message).toContain('without an answer');
    expect(told).toEqual(['close UNAVAILABLE', 'gone']);
  });

  test('in the middle of an answer fails the call', () => {
    const { send, bytes } = calling();
    const { values, errors } = send('a');
    bytes.receive('8\r\nXIAO');
    bytes.receiveEnd();

    expect(values).toEqual([]);
    expect(errors).toMatchObject([{ code: 'UNAVAILABLE', executed: undefined }]);
    expect(errors[0]?.message).toContain('in the middle of its answer');
  });

  test('by a reset fails the call with the error of the socket as its cause', () => {
    const { send, bytes, told } = calling();
    const { errors } = send('a');
    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    bytes.close(reset);

    expect(errors).toMatchObject([{ code: 'UNAVAILABLE', cause: reset, executed: undefined }]);
    expect(errors[0]?.message).toContain('ECONNRESET');
    expect(told).toEqual(['close UNAVAILABLE', 'gone']);
  });

  test('fails the calls behind the oldest with the reason as their cause', () => {
    const { send, bytes, answer } = calling();
    const [first, second, third] = [send('a'), send('b'), send('c')];
    answer('A');
    bytes.receiveEnd();

    expect(first.errors).toEqual([]);
    expect(second.errors).toMatchObject([{ code: 'UNAVAILABLE' }]);
    expect(third.errors).toMatchObject([{ code: 'UNAVAILABLE', message: 'the connection was lost' }]);
    expect(third.errors[0]?.cause).toBe(second.errors[0]);
  });

  test('is told of before the calls that it fails, so that they may be made anew from there', () => {
    const { caller, bytes, told } = calling();
    caller.send({
      method: 'a',
      params: '',
      payload: 'text',
      onAnswer: () => {},
      onError: () => {},
      onLost: () => {
        told.push('error');
      },
    });
    bytes.receiveEnd();
    bytes.close();

    expect(told).toEqual(['close UNAVAILABLE', 'error', 'gone']);
  });
});

describe('finish', () => {
  test('ends the connection in order', () => {
    const { caller, bytes, told, clock } = calling();
    caller.finish();
    expect(told).toEqual(['close here']);
    expect(bytes.did).toContain('end');

    bytes.receiveEnd();
    bytes.close();
    expect(told).toEqual(['close here', 'gone']);
    expect(clock.pending).toBe(0);
  });

  test('lets go of a server that does not end within a second', () => {
    const { caller, bytes, clock } = calling();
    caller.finish();
    clock.advance(1000);

    expect(bytes.did).toContain('destroy');
  });
});

describe('destroy', () => {
  test('closes at once', () => {
    const { caller, bytes, told } = calling();
    caller.destroy(new XtcpError('CANCELLED', 'closed'));
    bytes.close();

    expect(bytes.did).toEqual(['destroy']);
    expect(told).toEqual(['close here', 'gone']);
  });

  test('fails every call with the error that it is given', () => {
    const { caller, send, clock } = calling();
    const outcomes = [send('a'), send('b'), send('c')];
    const error = new XtcpError('CANCELLED', 'closed');
    caller.destroy(error);

    expect(outcomes.map(({ errors }) => errors)).toEqual([[error], [error], [error]]);
    expect(clock.pending).toBe(0);
  });

  test('tells nothing to calls that were abandoned', () => {
    const { caller, send } = calling();
    const [first, second] = [send('a'), send('b')];
    first.abandon();
    caller.destroy(new XtcpError('CANCELLED', 'closed'));

    expect(first.errors).toEqual([]);
    expect(second.errors).toHaveLength(1);
  });

  test('from within an answer reads none of those behind it', () => {
    const { caller, send, answer } = calling();
    caller.send({
      method: 'a',
      params: '',
      payload: 'text',
      onAnswer: () => {
        caller.destroy(new XtcpError('CANCELLED', 'closed'));
      },
      onError: () => {},
      onLost: () => {},
    });
    const second = send('b');
    answer('A', 'B');

    expect(second.values).toEqual([]);
    expect(second.errors).toMatchObject([{ code: 'CANCELLED' }]);
  });

  test('comes once', () => {
    const { caller, send, bytes, told } = calling();
    const { errors } = send('a');
    caller.destroy(new XtcpError('CANCELLED', 'closed'));
    caller.destroy(new XtcpError('INTERNAL', 'again'));
    bytes.close();

    expect(errors).toMatchObject([{ code: 'CANCELLED' }]);
    expect(bytes.did).toEqual(['destroy']);
    expect(told).toEqual(['close here', 'gone']);
  });
});
