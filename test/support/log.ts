import { Logger } from '@nestjs/common';
import { onTestFinished } from 'vitest';

import { Happenings } from '../nest/support/deferred.js';

/** The warnings that are logged from now on, until the test ends. An application that is made anew silences them. */
export function warnings(): Happenings {
  const lines = new Happenings();
  Logger.overrideLogger({
    log: () => {},
    error: () => {},
    warn: (message: unknown) => {
      lines.add(String(message));
    },
  });
  onTestFinished(() => {
    Logger.overrideLogger(false);
  });
  return lines;
}
