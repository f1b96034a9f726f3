import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { frameOf, readFrame } from './notation.js';

const text = readFileSync(`${import.meta.dirname}/../../docs/protocol.md`, 'utf8');
/** Frames as docs/protocol.md writes them: one to a line, behind who sends it. */
const examples = [...text.matchAll(/^ {4}[CS]: (.*)$/gm)].map((match) => match[1]!);

test('the frames of the whole exchanges in docs/protocol.md are there', () => {
  expect(examples.length).toBeGreaterThan(30);
});

test.each(examples)('an example of docs/protocol.md is one whole frame: %s', (example) => {
  const bytes = Buffer.from(example.replaceAll('\\r\\n', '\r\n'));
  const frame = readFrame(bytes);
  expect(frame?.size).toBe(bytes.length);
  expect(frameOf(frame!.fields.map((field) => ({ hex: field.toString('hex') })))).toEqual(bytes);
});
