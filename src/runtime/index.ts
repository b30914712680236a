/** What the daemon asks of Node and V8: room for its caches, and objects where they cost least. */
export { HeapGrowth } from "./heap-growth.ts";
export { heapShare } from "./heap-share.ts";
export { watchOutput } from "./output.ts";
export { disablePretenuring } from "./pretenuring.ts";
export { shareSocketShapes } from "./socket-shapes.ts";
