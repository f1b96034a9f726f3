import { describe, expect, test } from 'vitest';

import type { FrameStream } from '../../src/wire/frame-stream.js';
import { openFrames } from './frame-stream-fixture.js';

describe('what arrives', () => {
  test('is told frame by frame', () => {
    const { bytes, take } = openFrames();
    bytes.receive('1\r\na\r\n\r\n1\r\n');
    expect(take()).toEqual(['frame a']);

    bytes.receive('b\r\n\r\n');
    expect(take()).toEqual(['frame b']);
  });

  test('and is no frame is told once, and nothing behind it', () => {
    const { bytes, told } = openFrames();
    bytes.receive('1\r\na\r\n\r\nx1\r\nb\r\n\r\n');
    bytes.receive('1\r\nc\r\n\r\n');
    bytes.receive('xxx');
    bytes.receiveEnd();

    expect(told).toEqual(['frame a', 'bad input PROTOCOL_ERROR']);
  });

  test('and is over a limit is told once, and nothing behind it', () => {
    const { bytes, told, clock } = openFrames();
    bytes.receive('101\r\n');
    bytes.receive('101\r\n');
    clock.advance(10_000);

    expect(told).toEqual(['bad input RESOURCE_EXHAUSTED']);
  });

  test('meets other limits from the frame on that they were set behind, also in one piece', () => {
    const wide = { maxFrameBytes: 6, maxFields: 2, incompleteMessageTimeout: 500 };
    const limitTo = { a: (frames: FrameStream) => frames.limitTo(wide) };
    const long = '6\r\nbbbbbb\r\n\r\n';
    for (const pieces of [[`1\r\na\r\n\r\n${long}7\r\n`], ['1\r\na\r\n\r\n', long, '7\r\n']]) {
      const { bytes, told } = openFrames({ maxFrameBytes: 5 }, limitTo);
      for (const piece of pieces) bytes.receive(piece);
      expect(told).toEqual(['frame a', 'frame bbbbbb', 'bad input RESOURCE_EXHAUSTED']);
    }
  });

  test('and ends between two frames is told as an end, once', () => {
    const { bytes, told } = openFrames();
    bytes.receive('1\r\na\r\n\r\n');
    bytes.receiveEnd();
    bytes.receiveEnd();

    expect(told).toEqual(['frame a', 'end']);
  });

  test('and ends in the middle of a frame is told as such, and does not stall afterwards', () => {
    const { bytes, told, clock } = openFrames();
    bytes.receive('1\r\na\r\n');
    bytes.receiveEnd();
    clock.advance(10_000);

    expect(told).toEqual(['end in mid frame']);
    expect(clock.pending).toBe(0);
  });
});

describe('incompleteMessageTimeout', () => {
  test('passes when nothing comes in the middle of a frame', () => {
    const { bytes, clock, take } = openFrames({ incompleteMessageTimeout: 500 });
    bytes.receive('1');
    clock.advance(499);
    expect(take()).toEqual([]);

    clock.advance(1);
    expect(take()).toEqual(['bad input DEADLINE_EXCEEDED']);
    bytes.receive('\r\na\r\n\r\n');
    clock.advance(10_000);
    expect(take()).toEqual([]);
  });

  test('starts anew with every byte', () => {
    const { bytes, clock, told } = openFrames({ incompleteMessageTimeout: 500 });
    for (const byte of '5\r\nhello\r\n\r') {
      bytes.receive(byte);
      clock.advance(499);
    }
    bytes.receive('\n');

    expect(told).toEqual(['frame hello']);
  });

  test('does not run between frames', () => {
    const { bytes, clock, told } = openFrames({ incompleteMessageTimeout: 500 });
    clock.advance(10_000);
    bytes.receive('1\r\na\r\n\r\n');
    expect(clock.pending).toBe(0);
    clock.advance(10_000);

    expect(told).toEqual(['frame a']);
  });

  test('runs for a frame that begins behind a whole one', () => {
    const { bytes, clock, told } = openFrames({ incompleteMessageTimeout: 500 });
    bytes.receive('1\r\na\r\n\r\n1');
    clock.advance(500);

    expect(told).toEqual(['frame a', 'bad input DEADLINE_EXCEEDED']);
  });

  test('of 0 never passes', () => {
    const { bytes, clock, told } = openFrames({ incompleteMessageTimeout: 0 });
    bytes.receive('1');
    clock.advance(1e9);
    bytes.receive('\r\na\r\n\r\n');

    expect(told).toEqual(['frame a']);
  });
});

describe('sending', () => {
  test('writes whole frames', () => {
    const { bytes, frames } = openFrames();
    expect(frames.send(['toupper', Buffer.from('小')])).toBe(true);

    expect(bytes.take()).toBe('7\r\ntoupper\r\n3\r\n\xe5\xb0\x8f\r\n\r\n');
  });

  test('says when the other side does not keep up, and when it does again', () => {
    const { bytes, frames, told } = openFrames();
    bytes.keepsUp = false;
    expect(frames.send(['a'])).toBe(false);
    expect(told).toEqual([]);

    bytes.drain();
    expect(told).toEqual(['drain']);
  });

  test('goes on behind bad input and behind the end of the input', () => {
    const bad = openFrames();
    bad.bytes.receive('x');
    bad.frames.send(['sorry']);
    const ended = openFrames();
    ended.bytes.receiveEnd();
    ended.frames.send(['late']);

    expect(bad.bytes.take()).toBe('5\r\nsorry\r\n\r\n');
    expect(ended.bytes.take()).toBe('4\r\nlate\r\n\r\n');
  });
});
