import { accessSync, constants } from "node:fs";

/** Where Debian installs programs; a user's PATH may lack some of these. */
export const PROGRAMS = `${process.env.PATH}:/usr/sbin:/usr/bin`;

export function isInstalled(program: string): boolean {
  return PROGRAMS.split(":").some((folder) => {
    try {
      accessSync(`${folder}/${program}`, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
