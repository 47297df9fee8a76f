/** The examples of qmtp.txt, section 8, verbatim. */

const M1 = [
  "Received: (qmail-queue invoked by uid 0);",
  " 29 Jul 1996 09:36:40 -0000\n",
  "Date: 29 Jul 1996 11:35:35 -0000\n",
  "Message-ID: <19960729113535.375.qmail@heaven.af.mil>\n",
  "From: God@heaven.af.mil\n",
  "To: djb@silverton.berkeley.edu (D. J. Bernstein)\n",
  "\n",
  "This is a test.\n",
].join("");

const M2 = [
  "From: MAILER-DAEMON@heaven.af.mil\r\n",
  "To:\r\n",
  '   Hate."The Quoting"@SILVERTON.berkeley.edu,\r\n',
  '   "\\\\Backslashes!"@silverton.BERKELEY.edu\r\n',
  "\r\n",
  "The recipient addresses here could have been encoded in SMTP as\r\n",
  "\r\n",
  "   RCPT TO:<Hate.The\\ Quoting@silverton.berkeley.EDU>\r\n",
  "   RCPT TO:<\\\\Backslashes!@silverton.berkeley.edu>\r\n",
  "\r\n",
  "This ends with a partial last line, right here",
].join("");

export const EXAMPLES = [
  {
    encoding: "unix",
    message: M1,
    sender: "God-DSN-37@heaven.af.mil",
    recipients: ["djb@silverton.berkeley.edu"],
    wire: `246:\n${M1},24:God-DSN-37@heaven.af.mil,30:26:djb@silverton.berkeley.edu,,`,
  },
  {
    encoding: "dos",
    message: M2,
    sender: "",
    recipients: ["Hate.The Quoting@silverton.berkeley.edu", "\\Backslashes!@silverton.berkeley.EDU"],
    wire: `356:\r${M2},0:,83:39:Hate.The Quoting@silverton.berkeley.edu,36:\\Backslashes!@silverton.berkeley.EDU,,`,
  },
] as const;

export const RESPONSES_WIRE = "21:Kok 838640135 qp 1390,21:Kok 838640135 qp 1391,21:Kok 838640135 qp 1391,";
