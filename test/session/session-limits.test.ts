import { describe, expect, it } from 'vitest';

import type { Metadata } from '../../src/wire/metadata.js';
import { calling, codeOf, LIMITS, recorded, serving, type Serving } from './session-play.js';
import { encodeMetadata } from '../../src/wire/metadata.js';

const limits = { maxPatternBytes: 2000, maxMetadataBytes: 10_000, maxMetadataKeys: 100 };
/** Metadata whose JSON has so many bytes. */
const ofBytes = (bytes: number): string => JSON.stringify({ k: 'v'.repeat(bytes - '{"k":""}'.length) });
const ofKeys = (keys: number): Metadata =>
  Object.fromEntries(Array.from({ length: keys }, (_, index) => [`k${index}`, 'v']));

/** What became of call 1: `served`, or the code of its error. */
function outcome({ calls, frames }: Serving): unknown {
  const error = frames().find(([head]) => head === 'E1')?.[1];
  return error === undefined && calls.length === 1 ? 'served' : JSON.parse(error ?? '{}');
}
const REFUSED = { code: 'RESOURCE_EXHAUSTED', executed: false };

describe('a server', () => {
  it('takes patterns of as many bytes as it was told to, and no more', () => {
    const fits = serving({ limits });
    fits.send('Qt1', 'p'.repeat(2000), 'a');
    expect(outcome(fits)).toBe('served');
    const over = serving({ limits });
    over.send('Qt1', 'p'.repeat(2001), 'a');
    expect([outcome(over), over.calls, over.stream.did]).toMatchObject([REFUSED, [], []]);
  });

  it('takes metadata of as many bytes and keys as it was told to, and no more', () => {
    for (const metadata of [ofBytes(10_000), JSON.stringify(ofKeys(100))]) {
      const fits = serving({ limits });
      fits.send('Qt1', 'p', 'a', metadata);
      expect(outcome(fits)).toBe('served');
    }
    for (const metadata of [ofBytes(10_001), JSON.stringify(ofKeys(101))]) {
      const over = serving({ limits });
      over.send('Qt1', 'p', 'a', metadata);
      expect([outcome(over), over.calls]).toMatchObject([REFUSED, []]);
    }
  });

  it('answers with metadata up to that, and leaves out what is more', () => {
    for (const [keys, fields] of [
      [100, 3],
      [101, 2],
    ] as const) {
      const { calls, send, frames } = serving({ limits });
      send('Qt1', 'p', 'a');
      calls[0]!.answerMetadata = () => ofKeys(keys);
      calls[0]?.answer('A');
      expect(frames()[0]).toHaveLength(fields);
    }
  });
});

describe('a client', () => {
  it('takes answers with metadata up to what it was told to', () => {
    const { session, send } = calling({ limits });
    const [fits, over] = [recorded(), recorded()];
    session.open(fits);
    session.open(over);
    send('At1', 'A', JSON.stringify(ofKeys(100)));
    send('At2', 'A', JSON.stringify(ofKeys(101)));
    expect([fits.log.length, over.log]).toEqual([2, [['error', 'INTERNAL', undefined, undefined]]]);
  });
});

it('the error of metadata that is over a limit names the options', () => {
  expect(codeOf(() => encodeMetadata(ofKeys(100), { ...LIMITS, ...limits }))).toBeUndefined();
  expect(() => encodeMetadata(ofKeys(101), { ...LIMITS, ...limits })).toThrow(/100 keys \(maxMetadataKeys\)/);
});
