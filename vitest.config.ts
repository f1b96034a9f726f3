import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/setup.ts'],
    testTimeout: 10_000,
    // Importing Nest once for each of the files is a third of the time; what they share is nothing that they change.
    isolate: false,
  },
});
