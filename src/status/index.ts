/** What the daemon is doing and why: counters, their metrics, the status page. */
export type { StatusDocument } from "./document.ts";
export type { HistogramCounts } from "./histogram.ts";
export {
  CLOSE_CAUSES,
  type CloseCause,
  type ConfiguredRule,
  type DnsFigures,
  FAULT_RCODES,
  type Figures,
  type NameserverFigures,
  SHARED_CACHE_ERRORS,
  type SharedCacheFigures,
} from "./sources.ts";
export { Status, type StatusPorts, type WhyQuery } from "./status.ts";
export { statusLines } from "./terminal.ts";
