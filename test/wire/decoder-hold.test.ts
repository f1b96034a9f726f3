import { expect, test } from 'vitest';

import { FrameDecoder } from '../../src/wire/decoder.js';
import { WIDE } from './decode.js';

/** A decoder that is held behind each frame named in `holdBehind`, and what it handed over. */
function decoderThatHolds(...holdBehind: string[]): { decoder: FrameDecoder; frames: string[] } {
  const frames: string[] = [];
  const decoder = new FrameDecoder(WIDE, {
    onFrame: (frame) => {
      const name = frame.text(0);
      frames.push(name);
      if (holdBehind.includes(name)) decoder.hold();
    },
  });
  return { decoder, frames };
}

const THREE = Buffer.from('1\r\na\r\n\r\n1\r\nb\r\n\r\n1\r\nc\r\n\r\n');

test('frames behind the one that held wait for the release, even in the same piece', () => {
  const { decoder, frames } = decoderThatHolds('a');
  decoder.push(THREE);
  expect(frames).toEqual(['a']);

  decoder.release();
  expect(frames).toEqual(['a', 'b', 'c']);
});

test('a release goes on only until the next hold', () => {
  const { decoder, frames } = decoderThatHolds('a', 'b', 'c');
  decoder.push(THREE);
  decoder.release();
  expect(frames).toEqual(['a', 'b']);

  decoder.release();
  decoder.release();
  expect(frames).toEqual(['a', 'b', 'c']);
});

test('pieces that come while held are kept in order', () => {
  const { decoder, frames } = decoderThatHolds('a');
  decoder.push(THREE.subarray(0, 11));
  decoder.push(THREE.subarray(11, 12));
  decoder.push(THREE.subarray(12));
  expect(frames).toEqual(['a']);

  decoder.release();
  expect(frames).toEqual(['a', 'b', 'c']);
});

test('a frame that is under way when held goes on behind the release', () => {
  const { decoder, frames } = decoderThatHolds();
  decoder.push(Buffer.from('5\r\nhe'));
  decoder.hold();
  decoder.push(Buffer.from('llo\r\n'));
  decoder.push(Buffer.from('\r\n'));
  expect(frames).toEqual([]);
  expect(decoder.midFrame).toBe(true);

  decoder.release();
  expect(frames).toEqual(['hello']);
});

test('a hold taken back before the function returns holds nothing', () => {
  const frames: string[] = [];
  const decoder = new FrameDecoder(WIDE, {
    onFrame: (frame) => {
      frames.push(frame.text(0));
      decoder.hold();
      decoder.release();
    },
  });
  decoder.push(THREE);

  expect(frames).toEqual(['a', 'b', 'c']);
});

test('what is held is not decoded, so that its errors wait, too', () => {
  const { decoder, frames } = decoderThatHolds('a');
  decoder.push(Buffer.from('1\r\na\r\n\r\n1\r\nb\r\n\r\n1x'));
  decoder.push(Buffer.from('xx'));
  expect(frames).toEqual(['a']);

  expect(() => {
    decoder.release();
  }).toThrow(/, at byte 1$/);
  expect(frames).toEqual(['a', 'b']);
});

test('a release with nothing kept back, or nothing held, does nothing', () => {
  const { decoder, frames } = decoderThatHolds();
  decoder.release();
  decoder.hold();
  decoder.release();
  decoder.push(THREE);

  expect(frames).toEqual(['a', 'b', 'c']);
});

test('what comes while held may be overwritten behind the decoder', () => {
  const { decoder, frames } = decoderThatHolds('a', 'b');
  for (const piece of [THREE.subarray(0, 14), THREE.subarray(14)]) {
    const own = Buffer.from(piece);
    decoder.push(own);
    own.fill('#');
  }
  decoder.release();
  const behind = Buffer.from('1\r\nd\r\n\r\n');
  decoder.push(behind);
  behind.fill('#');
  decoder.release();

  expect(frames).toEqual(['a', 'b', 'c', 'd']);
});

test('many small pieces that come while held take linear time', () => {
  const { decoder, frames } = decoderThatHolds();
  const size = 400_000;
  const field = 'x'.repeat(size);
  decoder.hold();
  // Joined anew for each piece they would be some 80 GB.
  for (const byte of Buffer.from(`${size}\r\n${field}\r\n\r\n`)) decoder.push(Buffer.from([byte]));
  decoder.release();

  expect(frames[0] === field).toBe(true);
});
