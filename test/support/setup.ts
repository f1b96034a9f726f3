import 'reflect-metadata';

import { Logger } from '@nestjs/common';
import { beforeEach } from 'vitest';

import { activeResources, expectNoLeaks } from './leaks.js';

// Tests that look at the log set a logger of their own.
Logger.overrideLogger(false);

// Registered first, so that it runs last, behind whatever the test closes at its end.
beforeEach(({ onTestFinished }) => {
  const before = activeResources();
  onTestFinished(() => expectNoLeaks(before));
});
