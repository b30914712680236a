/** The parts from the source tree. build.mjs replaces this file by one that loads their built files. */

/** What each part exports. */
export interface Parts {
  readonly "shared-cache": typeof import("../shared-cache/valkey.ts");
  readonly status: typeof import("../status/index.ts");
}

const SOURCES: { readonly [Name in keyof Parts]: () => Promise<Parts[Name]> } = {
  "shared-cache": () => import("../shared-cache/valkey.ts"),
  status: () => import("../status/index.ts"),
};

/** @param _file the built part; the source tree needs none */
export function importPart<Name extends keyof Parts>(
  name: Name,
  _file: string | undefined,
): Promise<Parts[Name]> {
  return SOURCES[name]();
}

/** Whether the parts are files that have to be found. */
export const areBuilt: boolean = false;
