import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll } from "vitest";

/** Files in PEM form. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  /** The folder that contains the files; tests may add to it. */
  readonly folder: string;
  /** The issuer of all certificates, unless noted. */
  readonly ca: string;
  /** For localhost and 127.0.0.1. */
  readonly good: Identity;
  readonly expired: Identity;
  readonly notYetValid: Identity;
  readonly selfSigned: Identity;
  /** Of an issuer that is not `ca`. */
  readonly stranger: Identity;
  /** For mx.example.org. */
  readonly wrongName: Identity;
  readonly client: Identity;
  /** Of an issuer that is not `ca`. */
  readonly strangeClient: Identity;
  /** The only certificate that is not valid for servers. */
  readonly clientOnly: Identity;
}

const EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
const HERE = "DNS:localhost,IP:127.0.0.1";

/** `openssl ca` allows any dates; in OpenSSL 3.0, `openssl x509` only counts days from now. */
const CONFIGURATION = `[ca]
default_ca = this
[this]
database = index
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
commonName = supplied
`;

/** Makes certificates with the `openssl` command; they are removed after the file's last test. */
export function makeCertificates(): Certificates {
  const folder = mkdtempSync(`${tmpdir()}/qmtp-certificates-`);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const inFolder = (name: string): Identity => ({
    cert: `${folder}/${name}.crt`,
    key: `${folder}/${name}.key`,
  });
  writeFileSync(`${folder}/configuration`, CONFIGURATION);
  writeFileSync(`${folder}/index`, "");

  const signedByItself = (name: string, subject: string, extensions: readonly string[]): Identity => {
    const added = extensions.flatMap((extension) => ["-addext", extension]);
    const files = ["-keyout", `${name}.key`, "-out", `${name}.crt`, "-days", "30"];
    openssl(folder, ["req", "-x509", ...EC, "-subj", `/CN=${subject}`, ...added, ...files]);
    return inFolder(name);
  };
  const issue = (
    name: string,
    { by = "ca", names = HERE, from = "20200101000000Z", to = "20991231235959Z", use = "serverAuth" } = {},
  ): Identity => {
    const request = ["-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`];
    openssl(folder, ["req", "-new", ...EC, ...request]);
    writeFileSync(`${folder}/extensions`, `subjectAltName=${names}\nextendedKeyUsage=${use}\n`);
    const issuer = ["-cert", `${by}.crt`, "-keyfile", `${by}.key`];
    const dates = ["-startdate", from, "-enddate", to];
    const files = ["-extfile", "extensions", "-in", `${name}.csr`, "-out", `${name}.crt`];
    openssl(folder, ["ca", "-batch", "-notext", "-config", "configuration", ...issuer, ...dates, ...files]);
    return inFolder(name);
  };

  const { cert: ca } = signedByItself("ca", "Test CA", []);
  signedByItself("other", "Other CA", []);
  return {
    folder,
    ca,
    good: issue("good"),
    expired: issue("expired", { from: "20200101000000Z", to: "20210101000000Z" }),
    notYetValid: issue("not-yet-valid", { from: "20980101000000Z" }),
    selfSigned: signedByItself("self-signed", "localhost", [`subjectAltName=${HERE}`]),
    stranger: issue("stranger", { by: "other" }),
    wrongName: issue("wrong-name", { names: "DNS:mx.example.org" }),
    client: issue("client", { names: "DNS:client.example.org", use: "clientAuth" }),
    strangeClient: issue("strange-client", {
      by: "other",
      names: "DNS:client.example.org",
      use: "clientAuth",
    }),
    clientOnly: issue("client-only", { use: "clientAuth" }),
  };
}

/** Runs the command in a folder. */
export function openssl(folder: string, args: readonly string[], input?: Buffer): Buffer {
  return execFileSync("openssl", args, { cwd: folder, input, stdio: "pipe", timeout: 20_000 });
}

/** Computed as in curl's manual page, without Node's cryptography. */
export function pinOf(folder: string, { cert }: Identity): string {
  const pem = openssl(folder, ["x509", "-in", cert, "-pubkey", "-noout"]);
  const der = openssl(folder, ["pkey", "-pubin", "-outform", "der"], pem);
  const hash = openssl(folder, ["dgst", "-sha256", "-binary"], der);
  return `sha256//${openssl(folder, ["enc", "-base64"], hash).toString().trim()}`;
}
