import { loadSuites } from "../../system/conformance/suites.ts";

/** Every text that a TXT record of the SPF suites holds, each once. */
export function suiteTexts(): string[] {
  const texts = new Set<string>();
  for (const { cases } of loadSuites()) {
    for (const { zonedata } of cases) {
      for (const entry of Object.values(zonedata).flat()) {
        const value = typeof entry === "string" ? undefined : entry["TXT"];
        if (typeof value === "string") texts.add(value);
        else if (Array.isArray(value)) texts.add(value.join(""));
      }
    }
  }
  return [...texts];
}
