import { describe, expect, test } from 'vitest';

import { openFrames } from './frame-stream-fixture.js';

describe('finish', () => {
  test('ends the output and throws away what still arrives', () => {
    const { bytes, frames, told } = openFrames();
    frames.send(['bye']);
    frames.finish();
    bytes.receive('1\r\na\r\n\r\nx');
    bytes.receiveEnd();

    expect(bytes.take()).toBe('3\r\nbye\r\n\r\n');
    expect(bytes.did).toEqual(['resume', 'end']);
    expect(told).toEqual([]);
  });

  test('keeps none of what it throws away', () => {
    const { bytes, frames } = openFrames();
    const piece = Buffer.alloc(1024 * 1024, '1\r\na\r\n\r\n');
    frames.finish();
    const before = process.memoryUsage().arrayBuffers;
    for (let count = 0; count < 20; count++) bytes.receive(piece);

    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(piece.length);
  });

  test('waits a second for the end of the other side, then lets go', () => {
    const { bytes, frames, clock } = openFrames();
    frames.finish();
    clock.advance(999);
    expect(bytes.did).not.toContain('destroy');

    clock.advance(1);
    expect(bytes.did).toEqual(['resume', 'end', 'destroy']);
  });

  test('does not cut off what the other side has not taken yet: its second begins behind that', () => {
    const { bytes, frames, clock, told } = openFrames();
    bytes.keepsUp = false;
    frames.send(['a long answer']);
    frames.finish();
    clock.advance(10_000);
    expect(bytes.did).not.toContain('destroy');

    bytes.drain();
    clock.advance(999);
    expect(bytes.did).not.toContain('destroy');
    clock.advance(1);
    expect(bytes.did).toEqual(['resume', 'end', 'destroy']);
    expect(told).toEqual([]);
  });

  test('does not linger where the connection is gone before', () => {
    const { bytes, frames, clock, told } = openFrames();
    frames.finish();
    bytes.close();
    expect(clock.pending).toBe(0);

    clock.advance(1000);
    expect(bytes.did).not.toContain('destroy');
    expect(told).toEqual(['close']);
  });

  test('does not linger where the other side has ended already', () => {
    const { bytes, frames, clock } = openFrames();
    bytes.receiveEnd();
    frames.finish();

    expect(clock.pending).toBe(0);
    expect(bytes.did).toEqual(['resume', 'end']);
  });

  test('of a held stream hands over nothing more', () => {
    const { bytes, frames, told } = openFrames();
    frames.hold();
    bytes.receive('1\r\na\r\n\r\n');
    frames.finish();
    frames.release();

    expect(told).toEqual([]);
    expect(bytes.did).toEqual(['pause', 'resume', 'end']);
  });

  test('from within a frame hands over none of those behind it', () => {
    const { bytes, told } = openFrames({}, { a: (stream) => stream.finish() });
    bytes.receive('1\r\na\r\n\r\n1\r\nb\r\n\r\n');

    expect(told).toEqual(['frame a']);
  });

  test('in the middle of a frame stops its stall timer', () => {
    const { bytes, frames, clock, told } = openFrames({ incompleteMessageTimeout: 500 });
    bytes.receive('1');
    frames.finish();
    clock.advance(500);

    expect(told).toEqual([]);
  });

  test('comes once, and nothing is sent behind it', () => {
    const { bytes, frames } = openFrames();
    frames.finish();
    frames.finish();
    expect(frames.send(['late'])).toBe(true);

    expect(bytes.did).toEqual(['resume', 'end']);
    expect(bytes.take()).toBe('');
  });

  test('sends what was said before it behind bad input', () => {
    const { bytes, frames } = openFrames();
    bytes.receive('x');
    frames.send(['sorry']);
    frames.finish();

    expect(bytes.take()).toBe('5\r\nsorry\r\n\r\n');
    expect(bytes.did).toEqual(['resume', 'end']);
  });
});

describe.each(['destroy', 'reset'] as const)('%s', (way) => {
  test('lets go at once, and the listener hears of nothing but the close', () => {
    const { bytes, frames, clock, told } = openFrames();
    bytes.receive('1\r\n');
    frames[way]();
    bytes.receive('a\r\n\r\n');
    bytes.receiveEnd();
    bytes.close();

    expect(bytes.did).toEqual([way]);
    expect(told).toEqual(['close']);
    expect(clock.pending).toBe(0);
  });

  test('comes once, and nothing is sent, finished or reset behind it', () => {
    const { bytes, frames } = openFrames();
    frames[way]();
    frames.destroy();
    frames.reset();
    frames.finish();
    frames.send(['late']);

    expect(bytes.did).toEqual([way]);
    expect(bytes.take()).toBe('');
  });

  test('ends the lingering of a finished stream', () => {
    const { bytes, frames, clock } = openFrames();
    frames.finish();
    frames[way]();

    expect(clock.pending).toBe(0);
    expect(bytes.did).toEqual(['resume', 'end', way]);
  });

  test('from within a frame hands over none of those behind it', () => {
    const { bytes, told } = openFrames({}, { a: (stream) => stream[way]() });
    bytes.receive('1\r\na\r\n\r\n1\r\nb\r\n\r\n');

    expect(told).toEqual(['frame a']);
  });

  test('of a held stream hands over nothing more', () => {
    const { bytes, frames, told } = openFrames();
    frames.hold();
    bytes.receive('1\r\na\r\n\r\n');
    frames[way]();
    frames.release();

    expect(told).toEqual([]);
  });
});

describe('the close of the connection', () => {
  test('is told once, last, with its error, and stops the timers', () => {
    const { bytes, frames, clock, told } = openFrames();
    bytes.receive('1\r\na\r\n\r\n1');
    bytes.close(new Error('reset'));
    clock.advance(10_000);
    frames.send(['late']);
    frames.destroy();

    expect(told).toEqual(['frame a', 'close reset']);
    expect(bytes.did).toEqual([]);
    expect(bytes.take()).toBe('');
  });

  test('comes behind the end', () => {
    const { bytes, told } = openFrames();
    bytes.receiveEnd();
    bytes.close();

    expect(told).toEqual(['end', 'close']);
  });
});
