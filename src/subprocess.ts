// Without `node:`, because that name stands for no-child-process.ts in what is published: commander loads it for
// a feature that is not used here, and loading it takes longer than the rest of commander.
// biome-ignore lint/style/useNodejsImportProtocol: see above
import { spawn, spawnSync } from "child_process";

export { spawn, spawnSync };
