/** Settings in force and what serves under them: a connection keeps the generation that it began with. */
import type { MilterHandler } from "milter-protocol";
import { diffSettings, type Settings } from "../config/index.ts";
import { createFilter, type FilterEvent, type FilterPorts, type Resume } from "../filter/index.ts";
import type { Transport } from "../server/index.ts";
import type { SharedCache } from "../shared-cache/index.ts";
import { Engine } from "./engine.ts";

/** What generations take from their surroundings. */
export interface GenerationPorts {
  readonly hostname: string;
  readonly report: (event: FilterEvent) => void;
  /** See {@link FilterPorts.waited}. */
  readonly waited?: FilterPorts["waited"];
  readonly onError: (error: unknown) => void;
  /** What the operator is to know, in words. */
  readonly tell: (text: string) => void;
  /** Answers that other hosts have found, with SharedCache. */
  readonly shared?: SharedCache | undefined;
}

/** One set of settings, whole and unchanging. */
export interface Generation {
  readonly settings: Settings;
  readonly engine: Engine;
  /** The handler of one connection. */
  readonly createHandler: (transport: Transport, resume: Resume) => MilterHandler;
}

/** With the caches and the resolver of the former one, unless what they are made of has changed. */
export function createGeneration(
  settings: Settings,
  ports: GenerationPorts,
  former?: Pick<Generation, "settings" | "engine">,
): Generation {
  const { hostname, report, waited, onError, tell, shared } = ports;
  const keepsEngine = former !== undefined && !diffSettings(former.settings, settings).clearsCache;
  const engine = keepsEngine ? former.engine : new Engine(settings, onError, tell, shared);
  if (keepsEngine) engine.adjust(settings);
  else former?.engine.retire();
  const common = {
    settings,
    evaluator: engine.evaluatorFor(settings),
    report,
    waited,
    nowMs: () => performance.now(),
    hostname,
  };
  const filterPorts: Readonly<Record<Transport, FilterPorts>> = {
    unix: { ...common, transport: "unix" },
    inet: { ...common, transport: "inet" },
  };
  return {
    settings,
    engine,
    createHandler: (transport, resume) => createFilter(filterPorts[transport], resume),
  };
}
