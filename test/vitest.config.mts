import { defineConfig } from "vitest/config";

export default defineConfig({
  root: new URL("..", import.meta.url).pathname,
  test: {
    include: ["test/**/*.test.ts"],
    maxWorkers: "100%",
    globalSetup: ["test/global-setup.ts"],
    // Generous, because machines differ: nothing here waits for it unless something hangs.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
