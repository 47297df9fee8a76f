import type { Encoding } from "../protocol/package.ts";
import type { Response } from "../protocol/response.ts";
import type { ViolationCode } from "../protocol/violation.ts";

/** What flows in one direction of a session. */
export type Direction = "packages" | "responses";

/** What is in a stream, in order. Offsets are in bytes from its start; buffers may share the chunk's memory. */
export type DecodeEvent =
  | PartEvent
  | ViolationEvent
  | RecoveryEvent
  /** Reading ends here, because it is not certain where a netstring begins. */
  | { readonly type: "stop"; readonly offset: number; readonly reason: string };

/** A part of a package, or a response, that follows the protocol. */
export type PartEvent =
  /** `length` is without the byte that names the encoding. */
  | {
      readonly type: "message";
      readonly offset: number;
      readonly package: number;
      readonly encoding: Encoding;
      readonly length: number;
    }
  /** Some bytes of the message, as they arrive. */
  | { readonly type: "data"; readonly bytes: Buffer }
  /** All of its bytes, and their comma, are there. */
  | {
      readonly type: "body";
      readonly offset: number;
      readonly package: number;
      readonly length: number;
      /** Its first bytes, 32 at most. */
      readonly start: Buffer;
    }
  | {
      readonly type: "sender";
      readonly offset: number;
      readonly package: number;
      readonly address: Buffer;
    }
  | {
      readonly type: "list";
      readonly offset: number;
      readonly package: number;
      readonly length: number;
    }
  | {
      readonly type: "recipient";
      readonly offset: number;
      readonly package: number;
      readonly address: Buffer;
    }
  /** `length` is that of the whole package; undefined if its beginning could not be read. */
  | {
      readonly type: "end";
      readonly offset: number;
      readonly package: number;
      readonly length: number | undefined;
      /** How many were read. */
      readonly recipients: number;
    }
  | ({ readonly type: "response"; readonly offset: number; readonly number: number } & Response);

/** Codes that only a whole stream can have, beside those of readers. */
export type StreamViolationCode = ViolationCode | "truncated";

/** The first byte that the protocol does not allow. */
export interface ViolationEvent {
  readonly type: "violation";
  readonly offset: number;
  readonly code: StreamViolationCode;
  readonly message: string;
  readonly expected: string;
  /** The bytes before it, and it; empty at the end of the stream, and at that of a list. */
  readonly before: Buffer;
  readonly found: Buffer;
  /** A guess, if these bytes allow one. */
  readonly cause: string | undefined;
}

/** Where reading goes on after a violation. */
export interface RecoveryEvent {
  readonly type: "recovery";
  readonly offset: number;
  /** Bytes from the violation to there; negative if it goes on before it. */
  readonly skipped: number;
  /** What is there. */
  readonly at: string;
  /** A guess that the place allows. */
  readonly cause: string | undefined;
}

/** What a stream contained. */
export interface Totals {
  /** Null if there was nothing to tell it by. */
  readonly direction: Direction | null;
  readonly bytes: number;
  /** Those that are complete and follow the protocol. */
  readonly packages: number;
  readonly recipients: number;
  /** Bytes of their messages. */
  readonly messageBytes: number;
  readonly success: number;
  readonly deferral: number;
  readonly failure: number;
  readonly violations: number;
}

/** Totals while the stream is read. */
export type Counts = { -readonly [Name in keyof Totals]: Totals[Name] };
