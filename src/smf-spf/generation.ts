/** Settings in force and what serves under them: a connection keeps the generation that it began with. */
import { isDeepStrictEqual } from "node:util";
import type { MilterHandler } from "milter-protocol";
import { diffSettings, type Settings } from "../config/index.ts";
import { createFilter, type FilterEvent, type FilterPorts, type Resume } from "../filter/index.ts";
import type { Transport } from "../server/index.ts";
import { Engine, serversOf } from "./engine.ts";

/** What generations take from their surroundings. */
export interface GenerationPorts {
  readonly hostname: string;
  readonly report: (event: FilterEvent) => void;
  readonly onError: (error: unknown) => void;
}

/** One set of settings, whole and unchanging. */
export class Generation {
  readonly settings: Settings;
  readonly engine: Engine;
  readonly #ports: GenerationPorts;
  readonly #filterPorts: Readonly<Record<Transport, FilterPorts>>;

  private constructor(settings: Settings, engine: Engine, ports: GenerationPorts) {
    this.settings = settings;
    this.engine = engine;
    this.#ports = ports;
    const { hostname, report } = ports;
    const common = {
      settings,
      evaluator: engine.evaluatorFor(settings),
      report,
      nowMs: () => performance.now(),
      hostname,
      closed: () => {
        engine.release();
      },
    };
    this.#filterPorts = {
      unix: { ...common, transport: "unix" },
      inet: { ...common, transport: "inet" },
    };
    engine.use();
  }

  static first(settings: Settings, ports: GenerationPorts): Generation {
    return new Generation(settings, new Engine(settings, ports.onError), ports);
  }

  /** The one after this: with the same caches and resolver, unless what they are made of has changed. */
  next(settings: Settings): Generation {
    const sameEngine =
      !diffSettings(this.settings, settings).clearsCache &&
      isDeepStrictEqual(serversOf(settings), this.engine.servers);
    const engine = sameEngine ? this.engine : new Engine(settings, this.#ports.onError);
    if (sameEngine) engine.adjust(settings);
    return new Generation(settings, engine, this.#ports);
  }

  /** No new connection begins under these settings. */
  retire(): void {
    this.engine.release();
  }

  /** The handler of one connection; its close() gives the engine back. */
  createHandler(transport: Transport, resume: Resume): MilterHandler {
    const filter = createFilter(this.#filterPorts[transport], resume);
    this.engine.use();
    return filter;
  }
}
