/** The library: `import { QmtpClient } from "qmtp"`. */
export { type Code, type Fault, QmtpError } from "./errors.ts";
export { type ClientEvents, QmtpClient } from "./library/client.ts";
export type { Delivery } from "./library/delivery.ts";
export type { Mail } from "./library/mail.ts";
export type { MessageInput } from "./library/message.ts";
export type { ClientOptions, ClientRetryOptions } from "./library/options.ts";
export type { Encoding } from "./protocol/package.ts";
export type { Status } from "./protocol/response.ts";
export type { Violation } from "./protocol/violation.ts";
export type { Server } from "./transport/connector.ts";
export type { ClientTlsOptions, TlsSession } from "./transport/tls-settings.ts";
