import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { expect, test } from 'vitest';

import { FrameDecoder } from '../../src/wire/decoder.js';
import { encodeFrame } from '../../src/wire/encoder.js';
import { receiveMetadata } from '../../src/wire/metadata.js';

/** The most that the options allow. */
const LIMITS = { maxMetadataBytes: 2 ** 20, maxMetadataKeys: 65_536 };

test('a value of metadata that is kept keeps no large metadata alive, however much of it is allowed', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heapUsed = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const kept: unknown[] = [];
  const decoder = new FrameDecoder(
    { maxFrameBytes: 2 ** 20, maxFields: 16 },
    { onFrame: (frame) => kept.push(receiveMetadata(frame, 0, LIMITS)?.value['trace']) },
  );
  const count = 100;
  const [text] = encodeFrame([JSON.stringify({ trace: 'a trace id to be kept', rest: 'x'.repeat(3000) })]).pieces;
  const before = heapUsed();
  for (let nth = 0; nth < count; nth++) decoder.push(Buffer.from(text as string));
  expect(kept).toEqual(Array.from({ length: count }, () => 'a trace id to be kept'));
  expect((heapUsed() - before) / count).toBeLessThan(600);
});
