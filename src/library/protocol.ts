/** The wire, for programs that speak QMTP themselves: `import { PackageReader } from "qmtp/protocol"`. */
export { encodeNetstring } from "../protocol/netstring.ts";
export {
  type Encoding,
  encodeHead,
  encodeTail,
  type Message,
  type Package,
  packageLength,
  type TailPiece,
} from "../protocol/package.ts";
export { type PackageEvent, PackageReader } from "../protocol/package-reader.ts";
export { encodeResponse, type Response, ResponseReader, type Status } from "../protocol/response.ts";
export { type Violation, type ViolationCode, ViolationError } from "../protocol/violation.ts";
