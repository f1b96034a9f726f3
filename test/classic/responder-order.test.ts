import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { respond } from './responder-fixture.js';

test('whatever the order in which handlers end, requests start and are answered in theirs, and maxCalls holds', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      fc.boolean(),
      (maxCalls, choices, oneByOne) => {
        const { request, served, started, answers } = respond({ maxCalls });
        const methods = choices.map((_, number) => `m${number}`);
        if (oneByOne) for (const method of methods) request(method);
        else request(...methods);
        const ended = new Set<string>();
        const written: string[] = [];
        for (const choice of choices) {
          const running = started.filter((method) => !ended.has(method));
          const next = running[choice % running.length] ?? '';
          served(next).answer(next);
          ended.add(next);
          written.push(...answers());
          expect(written).toEqual(methods.slice(0, written.length));
          expect(started.length - written.length).toBeLessThanOrEqual(maxCalls);
        }

        expect(started).toEqual(methods);
        expect(written).toEqual(methods);
      },
    ),
  );
});
