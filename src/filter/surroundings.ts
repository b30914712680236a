import type { Edit } from "milter-protocol";
import type { OctetString } from "../address/index.ts";
import type { Uses } from "./needs.ts";
import type { FilterPorts } from "./ports.ts";

/** What stays the same for all messages of a connection. */
export interface Surroundings {
  readonly ports: FilterPorts;
  readonly uses: Uses;
  /** The edits that the MTA offers to carry out. */
  readonly offered: ReadonlySet<Edit["kind"]>;
  /** The name of the host that checks: `{j}`, else our own. */
  readonly receiver: OctetString;
}

/** Our name in Authentication-Results (RFC 8601 section 2.5): AuthservID, else the name of the host. */
export function authservIdOf({ ports, receiver }: Surroundings): OctetString {
  return ports.settings.authservID ?? receiver;
}
