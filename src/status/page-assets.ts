/** The page from the source tree. build.mjs puts the finished page in the place of this file. */
import { buildPage, type HtmlPage } from "./build-page.ts";

export type { HtmlPage };

/** The page, made once. */
export function pageOf(): Promise<HtmlPage> {
  return buildPage();
}
