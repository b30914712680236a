/**
 * Makes the page: one file of HTML with its style and its script inside, and the policy that allows just these.
 * build.mjs puts the finished page in the place of this file.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A page and the Content-Security-Policy it is served with. */
export interface HtmlPage {
  readonly html: string;
  readonly csp: string;
}

/** Bundles page.ts with uPlot and puts it into page.html, with page.css; and tells the files that went into it. */
export async function buildPage(): Promise<HtmlPage & { readonly inputs: readonly string[] }> {
  const { build } = await import("esbuild");
  const directory = join(import.meta.dirname, "page");
  const { outputFiles, metafile } = await build({
    entryPoints: [join(directory, "page.ts"), join(directory, "page.css")],
    absWorkingDir: join(import.meta.dirname, "../.."),
    outdir: directory,
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    legalComments: "none",
    format: "iife",
    target: "es2022",
    charset: "utf8",
    logLevel: "warning",
  });
  const textOf = (extension: string): string =>
    outputFiles.find(({ path }) => path.endsWith(extension))?.text.trim() ?? "";
  const script = textOf(".js").replaceAll("</script", "<\\/script");
  const style = textOf(".css").replaceAll("</style", "<\\/style");
  // Functions, since a replacement text would be searched for $ signs.
  const html = readFileSync(join(directory, "page.html"), "utf8")
    .replace("/*style*/", () => style)
    .replace("/*script*/", () => script);
  const csp = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
  return { html, csp, inputs: Object.keys(metafile.inputs) };
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text, "utf8").digest("base64")}`;
}
