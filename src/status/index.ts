/** What the daemon is doing and why: counters, their metrics, the status page. */
export type { StatusDocument } from "./document.ts";
export { type Figures } from "./figures.ts";
export { Status, type WhyQuery } from "./status.ts";
export { statusLines } from "./terminal.ts";
