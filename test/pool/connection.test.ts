import { describe, expect, test } from 'vitest';

import { XtcpError } from '../../src/errors/xtcp-error.js';
import { Connection } from '../../src/pool/connection.js';
import { callOf, type Outcome } from '../classic/caller-fixture.js';
import { FakeClock } from '../support/fake-clock.js';
import { fakeDial, type Dialled } from './fake-dial.js';

interface Connecting {
  readonly connection: Connection;
  readonly dialled: Dialled;
  readonly clock: FakeClock;
  readonly told: string[];
  readonly send: (method: string) => Outcome & { readonly cancel: () => void };
}

/** @param onTold what is done from within what the connection tells */
function connect(onTold: (what: string, connecting: Connecting) => void = () => {}): Connecting {
  const { dial, dials } = fakeDial();
  const clock = new FakeClock();
  const told: string[] = [];
  const tell = (what: string): void => {
    told.push(what);
    onTold(what, connecting);
  };
  const connection = new Connection(dial, { maxFrameBytes: 1000, requestTimeoutMs: 0 }, clock, {
    onOpen: () => {
      tell('open');
    },
    onAnswer: () => {
      tell('answer');
    },
    onRoom: () => {
      tell('room');
    },
    onClose: (ending) => {
      tell(`close ${typeof ending === 'string' ? ending : ending.code}`);
    },
    onGone: () => {
      tell('gone');
    },
  });
  const [dialled] = dials;
  if (dialled === undefined) throw new Error('it did not dial');
  const connecting: Connecting = {
    connection,
    dialled,
    clock,
    told,
    send: (method) => {
      const outcome = callOf(method);
      return { ...outcome, cancel: connection.send(outcome.call) };
    },
  };
  return connecting;
}

describe('while it connects', () => {
  test('calls wait, and go out in their order when it is open', () => {
    const { connection, dialled, send, told } = connect();
    send('a');
    send('b');
    expect([connection.isOpen, connection.calls, dialled.requests()]).toEqual([false, 2, []]);

    dialled.open();
    expect([connection.isOpen, connection.calls, dialled.requests()]).toEqual([true, 2, ['a', 'b']]);
    expect(told).toEqual(['open']);
  });

  test('a call that is cancelled is not sent, and leaves room', () => {
    const { connection, dialled, send, told } = connect();
    const first = send('a');
    send('b');
    first.cancel();
    first.cancel();
    expect(connection.calls).toBe(1);
    expect(told[0]).toBe('room');

    dialled.open();
    expect(dialled.requests()).toEqual(['b']);
    expect([...first.values, ...first.errors]).toEqual([]);
  });

  test('a dial that fails is told first, then its calls', () => {
    const { connection, dialled, send, told } = connect();
    const outcomes = [send('a'), send('b')];
    const error = new XtcpError('UNAVAILABLE', 'nothing listens there', { executed: false });
    dialled.fail(error);

    expect(told).toEqual(['close UNAVAILABLE', 'gone']);
    expect(outcomes.map(({ errors }) => errors)).toEqual([[error], [error]]);
    expect(connection.calls).toBe(0);
  });

  test('destroying it stops the dial and fails its calls', () => {
    const { connection, dialled, send, told } = connect();
    const { errors } = send('a');
    const error = new XtcpError('CANCELLED', 'closed');
    connection.destroy(error);
    connection.destroy(error);

    expect(dialled.cancelled).toBe(true);
    expect(told).toEqual(['close here', 'gone']);
    expect(errors).toEqual([error]);
  });

  test('a cancel behind the end of the dial does nothing', () => {
    const { dialled, send, told } = connect();
    const { cancel, errors } = send('a');
    dialled.fail();
    cancel();

    expect(told).toEqual(['close UNAVAILABLE', 'gone']);
    expect(errors).toHaveLength(1);
  });
});

describe('when it is open', () => {
  test('calls go out at once, and answers are counted', () => {
    const { connection, dialled, send, clock } = connect();
    dialled.open();
    const { values } = send('a');
    expect(dialled.requests()).toEqual(['a']);

    clock.advance(700);
    dialled.answer('A');
    expect(values).toEqual(['A']);
    expect([connection.answers, connection.answeredAt, connection.calls]).toEqual([1, 700, 0]);
  });

  test('the count is right before the answer is told', () => {
    const counts: number[] = [];
    const { dialled, send } = connect((what, { connection }) => {
      if (what === 'answer') counts.push(connection.answers);
    });
    dialled.open();
    send('a');
    send('b');
    dialled.answer('A', 'B');

    expect(counts).toEqual([1, 2]);
  });

  test('a call that was made before may be cancelled', () => {
    const { connection, dialled, send, told } = connect();
    const { cancel, errors } = send('a');
    const other = send('b');
    dialled.open();
    cancel();
    expect([connection.calls, connection.abandoned]).toEqual([1, 1]);

    dialled.answer('A', 'B');
    expect(errors).toEqual([]);
    expect(other.values).toEqual(['B']);
    expect(told).toContain('room');
  });

  test('the last call to be cancelled resets it', () => {
    const { connection, dialled, send, told } = connect();
    dialled.open();
    send('a').cancel();

    expect(dialled.bytes.did).toEqual(['reset']);
    expect(told).toEqual(['open', 'close here']);
    expect([connection.isOpen, connection.calls, connection.abandoned]).toEqual([false, 0, 0]);
  });

  test('a call made from within its opening does not overtake those that waited', () => {
    const { dialled, send } = connect((what, connecting) => {
      if (what === 'open') connecting.send('late');
    });
    send('a');
    dialled.open();

    expect(dialled.requests()).toEqual(['a', 'late']);
  });

  test('the calls that waited are counted from within its opening', () => {
    const counts: number[] = [];
    const { dialled, send } = connect((what, { connection }) => {
      if (what === 'open') counts.push(connection.calls);
    });
    send('a');
    dialled.open();

    expect(counts).toEqual([1]);
  });

  test('destroying it from within its opening fails the calls that waited', () => {
    const error = new XtcpError('CANCELLED', 'closed');
    const { dialled, send } = connect((what, { connection }) => {
      if (what === 'open') connection.destroy(error);
    });
    const { errors } = send('a');
    dialled.open();

    expect(errors).toEqual([error]);
  });
});

test('finish ends it in order', () => {
  const { connection, dialled, told } = connect();
  dialled.open();
  connection.finish();
  expect(dialled.bytes.did).toContain('end');

  dialled.close();
  expect(told).toEqual(['open', 'close here', 'gone']);
  expect(connection.isOpen).toBe(false);
});

test('a closed connection takes no call', () => {
  const { dialled, send } = connect();
  dialled.fail();

  expect(() => send('a')).toThrow('closed connection');
});
