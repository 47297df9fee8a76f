import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const ROOT = new URL("..", import.meta.url).pathname;

/** One worker starts with the kills while the other runs the short tests: neither waits at the end. */
class KillsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => moduleId.includes("/test/lost/");
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

/** Files that mock modules: each needs its own copies. All others share theirs, which saves reloading them. */
const mocking = readdirSync(`${ROOT}test`, { recursive: true })
  .map((path) => `test/${path}`)
  .filter((path) => path.endsWith(".test.ts") && readFileSync(ROOT + path, "utf8").includes("vi.mock("));

// Generous, because machines differ: only a hang waits this long.
const patience = { testTimeout: 30_000, hookTimeout: 30_000 };

export default defineConfig({
  root: ROOT,
  test: {
    // More than processors, because many tests wait: for a server to be silent, for example.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    sequence: { sequencer: KillsFirst },
    globalSetup: [`${ROOT}test/global-setup.ts`],
    projects: [
      {
        root: ROOT,
        test: {
          name: "shared",
          include: ["test/**/*.test.ts"],
          exclude: mocking,
          isolate: false,
          ...patience,
        },
      },
      { root: ROOT, test: { name: "mocked", include: mocking, ...patience } },
    ],
  },
});
