import { configDefaults, defineConfig } from 'vitest/config';

/** Tests that subscribe to channels of the process, or fill registers of it, which others would see. */
const APART = ['test/{module,observe,opentelemetry,prometheus,server}/**/*.test.ts'];

const shared = { setupFiles: ['test/support/setup.ts'], testTimeout: 10_000 };

export default defineConfig({
  test: {
    projects: [
      { test: { ...shared, name: 'apart', include: APART } },
      {
        test: {
          ...shared,
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...APART],
          // Importing Nest once for each of the files would take a minute.
          isolate: false,
        },
      },
    ],
  },
});
