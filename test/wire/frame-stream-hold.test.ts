import { expect, test } from 'vitest';

import type { FrameStream } from '../../src/wire/frame-stream.js';
import { openFrames } from './frame-stream-fixture.js';

test('frames that come while held are handed over in order behind the release', () => {
  const { bytes, frames, take } = openFrames();
  frames.hold();
  bytes.receive('1\r\na\r\n\r\n1\r\nb');
  bytes.receive('\r\n\r\n');
  expect(take()).toEqual([]);

  frames.release();
  bytes.receive('1\r\nc\r\n\r\n');
  expect(take()).toEqual(['frame a', 'frame b', 'frame c']);
});

function holds(stream: FrameStream): void {
  stream.hold();
}

test('a hold from within a frame keeps back the next one in the same piece', () => {
  const { bytes, frames, take } = openFrames({}, { a: holds });
  bytes.receive('1\r\na\r\n\r\n1\r\nb\r\n\r\n');
  expect(take()).toEqual(['frame a']);

  frames.release();
  expect(take()).toEqual(['frame b']);
});

test('a hold taken back from within the same frame keeps back nothing', () => {
  const { bytes, told } = openFrames(
    {},
    {
      a: (stream) => {
        stream.hold();
        stream.release();
      },
    },
  );
  bytes.receive('1\r\na\r\n\r\n1\r\nb\r\n\r\n1\r\nc\r\n\r\n');

  expect(told).toEqual(['frame a', 'frame b', 'frame c']);
});

test('the end is not told from within a hold that is taken back, but behind the last frame', () => {
  const { bytes, frames, told } = openFrames(
    {},
    {
      a: (stream) => {
        stream.hold();
        stream.release();
      },
    },
  );
  frames.hold();
  bytes.receive('1\r\na\r\n\r\n1\r\nb\r\n\r\n');
  bytes.receiveEnd();
  frames.release();

  expect(told).toEqual(['frame a', 'frame b', 'end']);
});

test('each release goes on until the next hold', () => {
  const { bytes, frames, take } = openFrames({}, { a: holds, b: holds, c: holds });
  bytes.receive('1\r\na\r\n\r\n1\r\nb\r\n\r\n1\r\nc\r\n\r\n');
  bytes.receiveEnd();
  expect(take()).toEqual(['frame a']);

  frames.release();
  expect(take()).toEqual(['frame b']);
  frames.release();
  expect(take()).toEqual(['frame c']);
  frames.release();
  expect(take()).toEqual(['end']);
});

test('while held, one piece is still read, then the stream is paused until the release', () => {
  const { bytes, frames } = openFrames();
  frames.hold();
  expect(bytes.did).toEqual([]);

  bytes.receive('1');
  expect(bytes.did).toEqual(['pause']);
  frames.release();
  expect(bytes.did).toEqual(['pause', 'resume']);
});

test('a stream that is held again while what was kept is decoded is read no further', () => {
  const { bytes, frames, take } = openFrames({}, { a: holds, b: holds });
  bytes.receive('1\r\na\r\n\r\n1\r\nb\r\n\r\n');
  bytes.receive('1\r\nc\r\n\r\n');
  expect([take(), bytes.did]).toEqual([['frame a'], ['pause']]);

  frames.release();
  expect([take(), bytes.did]).toEqual([['frame b'], ['pause']]);
  frames.release();
  expect([take(), bytes.did]).toEqual([['frame c'], ['pause', 'resume']]);
});

test('an end that comes while held is told ahead, once, and again behind the frames before it', () => {
  const { bytes, frames, take } = openFrames({ tellsEndAhead: true });
  frames.hold();
  bytes.receive('1\r\na\r\n\r\n');
  bytes.receiveEnd();
  expect(take()).toEqual(['end ahead']);

  frames.release();
  expect(take()).toEqual(['frame a', 'end']);
});

test('an end that comes while nothing is held is not told ahead', () => {
  const { bytes, take } = openFrames({ tellsEndAhead: true });
  bytes.receive('1\r\na\r\n\r\n');
  bytes.receiveEnd();
  expect(take()).toEqual(['frame a', 'end']);
});

test('the end is told behind the frames that were held before it', () => {
  const { bytes, frames, take } = openFrames();
  frames.hold();
  bytes.receive('1\r\na\r\n\r\n');
  bytes.receiveEnd();
  expect(take()).toEqual([]);

  frames.release();
  expect(take()).toEqual(['frame a', 'end']);
});

test('an end in the middle of a held frame is told as such', () => {
  const { bytes, frames, take } = openFrames();
  frames.hold();
  bytes.receive('1\r\na\r\n\r\n1\r\n');
  bytes.receiveEnd();
  frames.release();

  expect(take()).toEqual(['frame a', 'end in mid frame']);
});

test('the loss of the connection is told while held', () => {
  const { bytes, frames, take } = openFrames();
  frames.hold();
  bytes.receive('1\r\na\r\n\r\n');
  bytes.close(new Error('reset'));
  frames.release();

  expect(take()).toEqual(['close reset']);
});

test('bad input is told behind the release, behind the frames before it', () => {
  const { bytes, frames, take } = openFrames();
  frames.hold();
  bytes.receive('1\r\na\r\n\r\nx');
  expect(take()).toEqual([]);

  frames.release();
  expect(take()).toEqual(['frame a', 'bad input PROTOCOL_ERROR']);
});

test('a frame does not stall while held, and may from the release on', () => {
  const { bytes, frames, clock, take } = openFrames({ incompleteMessageTimeout: 500 });
  bytes.receive('1\r\n');
  frames.hold();
  clock.advance(10_000);
  bytes.receive('a');
  clock.advance(10_000);
  expect(take()).toEqual([]);

  frames.release();
  clock.advance(499);
  expect(take()).toEqual([]);
  clock.advance(1);
  expect(take()).toEqual(['bad input DEADLINE_EXCEEDED']);
});

test('behind bad input, the end or a finish there is nothing to hold: what comes is thrown away unpaused', () => {
  const [bad, ended, finished] = [openFrames(), openFrames(), openFrames()];
  bad.bytes.receive('x');
  ended.bytes.receiveEnd();
  finished.frames.finish();

  for (const { bytes, frames } of [bad, ended, finished]) {
    frames.hold();
    bytes.receive('1\r\na\r\n\r\n');
    expect(bytes.did).not.toContain('pause');
  }
});

test('holding twice is holding once, and a release without a hold does nothing', () => {
  const { bytes, frames, take } = openFrames();
  frames.release();
  expect(bytes.did).toEqual([]);

  frames.hold();
  frames.hold();
  bytes.receive('1\r\na\r\n\r\n');
  frames.release();
  frames.release();
  expect(take()).toEqual(['frame a']);
  expect(bytes.did).toEqual(['pause', 'resume']);
});
