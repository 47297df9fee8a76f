import { accessSync, constants } from "node:fs";

/** Where Debian puts programs; not all of it is on everybody's path. */
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
