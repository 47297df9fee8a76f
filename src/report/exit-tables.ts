import type { Code } from "../errors.ts";

/** An exit code and its meaning, in the words of `--help` and the man pages. */
export type ExitMeaning = readonly [code: number, meaning: string];

/** The exit codes of an interface, which its callers rely on. */
export interface ExitTable {
  /** Success for every recipient. */
  readonly success: number;
  /** At least one failure, and no deferral. */
  readonly failure: number;
  /** The server defers at least one recipient. */
  readonly deferral: number;
  /** Any other error that left a recipient without a response, or that came before there were recipients. */
  readonly otherwise: number;
  /** By error code; `code (local)` takes precedence over `code`. */
  readonly errors: Readonly<Partial<Record<Code | `${Code} (local)`, number>>>;
  /** Every code that can occur. */
  readonly meanings: readonly ExitMeaning[];
}

/** qmail's convention, which `.qmail` pipes, serialmail and cron wrappers know. */
export const EXIT = { success: 0, permanent: 100, temporary: 111 } as const;

const QMAIL_CODES = {
  success: EXIT.success,
  failure: EXIT.permanent,
  deferral: EXIT.temporary,
  otherwise: EXIT.temporary,
  errors: { usage: EXIT.permanent, "bad-header": EXIT.permanent, "no-exchanger": EXIT.permanent },
} as const;

export const SEND_TABLE: ExitTable = {
  ...QMAIL_CODES,
  meanings: [
    [0, "success for every recipient, or a deferral that was spooled"],
    [100, "permanent: a usage error, an invalid header, no QMTP exchanger, or a failure and no deferral"],
    [111, "temporary: at least one deferral, no connection, or an unreadable file; try again later"],
  ],
};

export const MAILDIR_TABLE: ExitTable = {
  ...QMAIL_CODES,
  meanings: [
    [0, "nothing is left over, except files with another prefix and files that may still be arriving"],
    [100, "a usage error, and nothing else"],
    [111, "something is left over, or something failed; try again later"],
  ],
};

export const SERIAL_TABLE: ExitTable = {
  ...QMAIL_CODES,
  meanings: [
    [0, "every file that has a head and the prefix got a response, whatever it says"],
    [100, "a usage error"],
    [111, "a file got no response or cannot be read, or there is no connection; try again later"],
  ],
};

export const PING_TABLE: ExitTable = {
  ...QMAIL_CODES,
  meanings: [
    [0, "every ping was answered"],
    [100, "a usage error, or no QMTP exchanger"],
    [111, "a ping was not answered; try again later"],
  ],
};

/** How a bench ends that ran to its end. */
export const BENCH_EXIT = { passed: 0, missed: 1 } as const;

export const BENCH_TABLE: ExitTable = {
  ...QMAIL_CODES,
  failure: BENCH_EXIT.missed,
  meanings: [
    [0, "the run is complete, no condition is true, and the server kept the protocol"],
    [1, "a condition is true, or the server broke the protocol"],
    [100, "a usage error, or no QMTP exchanger"],
    [111, "no connection, a session was given up, or a signal came"],
  ],
};

export const SINK_TABLE: ExitTable = {
  ...QMAIL_CODES,
  meanings: [
    [0, "stopped, by a signal or after its last package"],
    [100, "a usage error"],
    [111, "cannot listen, create the maildir, or read a certificate or key"],
  ],
};

export const DECODE_TABLE: ExitTable = {
  ...QMAIL_CODES,
  failure: 1,
  meanings: [
    [0, "everything was read, and follows the protocol"],
    [1, "something does not follow the protocol"],
    [100, "a usage error"],
    [111, "an unreadable file, a file that cannot be written, or output was closed before the end"],
  ],
};

export const ENCODE_TABLE: ExitTable = {
  ...QMAIL_CODES,
  meanings: [
    [0, "every byte was written, or there was nothing to write"],
    [100, "a usage error, or an invalid header"],
    [111, "an unreadable file, or standard output was closed before the end; try again later"],
  ],
};

/** How a check ends. */
export const CHECK_EXIT = { kept: 0, broken: 1, undecided: 111 } as const;

export const CHECK_TABLE: ExitTable = {
  ...QMAIL_CODES,
  failure: CHECK_EXIT.broken,
  meanings: [
    [0, "no requirement is broken"],
    [1, "at least one requirement is broken"],
    [100, "a usage error, or no QMTP exchanger"],
    [111, "the server could not be reached, too much is unclear, or a file cannot be read or written"],
  ],
};

/** For commands that only print. */
export const TOOL_TABLE: ExitTable = {
  ...QMAIL_CODES,
  meanings: [
    [0, "done"],
    [100, "a usage error"],
    [111, "failed; try again later"],
  ],
};

/** A permanent or temporary refusal; qmail-queue's caller reads its text from descriptor 6. */
export const QUEUE_REFUSAL = 82;

/** qmail-queue(8)'s codes, with qmail-qmqpc(8)'s for the network. */
export const QUEUE_TABLE: ExitTable = {
  success: 0,
  failure: 31,
  deferral: 71,
  otherwise: 74,
  errors: {
    "address-too-long": 11,
    "envelope-too-large": 51,
    "unwritable-spool": 53,
    "unreadable-input": 54,
    "input-timeout": 54,
    "message-unreadable": 54,
    usage: 55,
    "unwritable-trace": 55,
    "unreadable-configuration": 55,
    "not-under-ucspi": 55,
    "no-exchanger": 55,
    "connect-failed (local)": 56,
    "connect-timeout": 72,
    "dns-failed": 73,
    "connect-failed": 73,
    "connection-refused": 73,
    "tls-failed": 73,
    "tls-untrusted": 73,
    "bad-envelope": 91,
  },
  meanings: [
    [0, "success for every recipient"],
    [11, "permanent: an address of 1003 bytes or more"],
    [31, "permanent: at least one failure, and no deferral"],
    [51, "the envelope is longer than 64 MiB"],
    [53, "the message could not be kept in a temporary file"],
    [54, "the message or the envelope cannot be read"],
    [
      55,
      "a usage error, no server, no QMTP exchanger, or an invalid or unreadable configuration or PEM file",
    ],
    [56, "this host cannot make connections: no such local address, or no free descriptors"],
    [71, "temporary: at least one deferral by the server"],
    [72, "no connection in time"],
    [73, "no connection, an untrusted server, or no answer from DNS"],
    [74, "the session ended before everything was answered"],
    [QUEUE_REFUSAL, "as 31 or 71, with the server's text on descriptor 6"],
    [91, "the envelope is malformed, or has no recipients"],
  ],
};

/** For qmail-rspawn, which bounces the message for any other code. */
export const REMOTE_TABLE: ExitTable = {
  success: EXIT.success,
  failure: EXIT.success,
  deferral: EXIT.success,
  otherwise: EXIT.temporary,
  errors: {},
  meanings: [
    [0, "standard output has the result"],
    [111, "nothing was done; try again later"],
  ],
};

/** nullmailer's codes (its errcodes.h). Those with the bit 32 are permanent. */
export const NULLMAILER_TABLE: ExitTable = {
  success: 0,
  failure: 35,
  deferral: 16,
  otherwise: 11,
  errors: {
    usage: 1,
    "no-exchanger": 2,
    "dns-failed": 5,
    "connect-failed (local)": 6,
    "connect-timeout": 8,
    "connect-failed": 10,
    "tls-failed": 10,
    "tls-untrusted": 10,
    "connection-refused": 10,
    "unreadable-input": 13,
    "message-unreadable": 13,
    "bad-envelope": 13,
    "envelope-too-large": 13,
    interrupted: 17,
    "unreadable-configuration": 18,
    "unwritable-trace": 18,
    "not-under-ucspi": 18,
  },
  meanings: [
    [0, "success for every recipient"],
    [1, "a usage error"],
    [2, "no QMTP exchanger"],
    [5, "no answer from DNS"],
    [6, "this host cannot make connections: no such local address, or no free descriptors"],
    [8, "no connection in time"],
    [10, "no connection, or no trusted one"],
    [11, "the session ended before everything was answered"],
    [13, "the message or its envelope cannot be read"],
    [15, "node is missing, or was killed"],
    [16, "temporary: at least one deferral by the server"],
    [17, "a signal ended the run"],
    [18, "an unknown or invalid option from nullmailer, or an unusable PEM file or transcript"],
    [35, "permanent: at least one failure, and no deferral"],
  ],
};

/** sendmail's codes, which are those of sysexits(3). */
export const SENDMAIL_TABLE: ExitTable = {
  success: 0,
  failure: 65,
  deferral: 75,
  otherwise: 75,
  errors: {
    usage: 64,
    "bad-header": 65,
    "unreadable-input": 66,
    "message-unreadable": 66,
    "unreadable-configuration": 69,
    "not-under-ucspi": 69,
    "no-exchanger": 69,
    "dns-failed": 69,
    "connect-failed": 69,
    "connect-timeout": 69,
    "connection-refused": 69,
    "tls-failed": 69,
    "tls-untrusted": 69,
  },
  meanings: [
    [0, "success for every recipient, or a deferral that was spooled"],
    [64, "a usage error, no recipient, or an ambiguous address in an argument"],
    [65, "permanent: a failure and no deferral, or an invalid header"],
    [66, "the message cannot be read"],
    [
      69,
      "no connection, an untrusted server, no answer from DNS, no QMTP exchanger, or an invalid or unreadable configuration or PEM file",
    ],
    [75, "temporary: anything else; try again later"],
  ],
};
