/** The client of SharedCache from the source tree. build.mjs replaces this file by one that loads the built client. */

/** @param _file the built client; the source tree needs none */
export function importClient(_file: string | undefined): Promise<typeof import("../shared-cache/valkey.ts")> {
  return import("../shared-cache/valkey.ts");
}

/** Whether the client is a file that has to be found. */
export const isClientBuilt: boolean = false;
