/** The page from the source tree. build.mjs replaces this file by the finished page. */
import { buildPage, type HtmlPage } from "./build-page.ts";

export type { HtmlPage };

/** The page, made once. */
export function pageOf(): Promise<HtmlPage> {
  return buildPage();
}
