import { CommandError, reason } from "../errors.ts";
import { makeMaildir } from "../maildir/store.ts";

/**
 * Makes a maildir where there is none.
 * @param option that names it, for the error
 * @throws {CommandError} unwritable-maildir
 */
export async function prepareMaildir(maildir: string, option: string): Promise<void> {
  try {
    await makeMaildir(maildir);
  } catch (error) {
    const message = `cannot make the maildir ${maildir}: ${reason(error)}; name another folder with ${option}`;
    throw new CommandError(message, { code: "unwritable-maildir", cause: error });
  }
}
