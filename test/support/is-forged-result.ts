import { ResultsField } from "../../src/trace-fields/index.ts";

/** Whether an Authentication-Results field with this value must go. */
export const isForgedResult = (value: string, ourId: string, mode: "on" | "all"): boolean =>
  new ResultsField(value).isForged(ourId, mode);
