import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/unit/**/*.test.ts'],
    // The machine has two cores and some tests run native code.
    pool: 'forks',
    testTimeout: 60_000,
  },
});
