/** Runs the test files named as arguments in this one process: loading the sources is most of what a small file costs. */
import { pathToFileURL } from "node:url";

for (const file of process.argv.slice(2)) await import(pathToFileURL(file).href);
