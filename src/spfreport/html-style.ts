/** The look of the report in a browser and on paper, light and dark. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fbfbf9; --card: #fff; --ink: #1d2129; --soft: #5d6673; --line: #dfe2e6; --mark: #1f5fa8;
  --pass: #3f9b6e; --none: #c3c8cf; --neutral: #8d96a3; --softfail: #e2a72e; --fail: #cd4a3f;
  --temperror: #9a73d8; --permerror: #5d45a3;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171c; --card: #1b1f26; --ink: #e6e8eb; --soft: #9aa4b1; --line: #323842; --mark: #8db9ec;
    --pass: #4faa7d; --none: #59616d; --neutral: #8a94a2; --softfail: #d9a441; --fail: #e0675c;
    --temperror: #ab8be3; --permerror: #8069cb;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 2rem 1.25rem 3rem; }
header h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; }
header .span { margin: 0 0 .75rem; color: var(--soft); }
header .headline { margin: 0; font-size: 1.1rem; max-width: 46rem; }
section { margin-top: 2.25rem; }
h2 { margin: 0; padding-bottom: .2rem; font-size: 1.15rem; border-bottom: 1px solid var(--line); }
.advice { margin: .4rem 0 .9rem; color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { padding: .2rem .6rem; text-align: left; font-weight: 600; font-size: .85rem; color: var(--soft); }
td { padding: .28rem .6rem; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
th.n, td.n { width: 7rem; text-align: right; white-space: nowrap; overflow-wrap: normal; }
td.bar { width: 30%; }
td.key { width: 9rem; white-space: nowrap; }
td .note { color: var(--soft); }
.scroll { overflow-x: auto; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 12px system-ui, sans-serif; fill: var(--soft); font-variant-numeric: tabular-nums; }
svg .grid { stroke: var(--line); stroke-width: 1; }
.r-pass { fill: var(--pass); } .r-none { fill: var(--none); } .r-neutral { fill: var(--neutral); }
.r-softfail { fill: var(--softfail); } .r-fail { fill: var(--fail); }
.r-temperror { fill: var(--temperror); } .r-permerror { fill: var(--permerror); }
.area { fill: var(--fail); opacity: .22; } .curve { fill: none; stroke: var(--fail); stroke-width: 2; }
.dot { fill: var(--fail); }
.swatch { display: inline-block; width: .8rem; height: .8rem; margin-right: .45rem; vertical-align: -.08rem; }
.todo { margin: 0; padding: 0; list-style: none; }
.todo li { margin-top: .7rem; padding: .75rem 1rem; background: var(--card); border: 1px solid var(--line);
  border-left: 4px solid var(--mark); border-radius: 4px; break-inside: avoid; }
.todo .what { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .25rem 1.5rem; }
.todo code { font: 600 .95rem/1.5 ui-monospace, monospace; user-select: all; overflow-wrap: anywhere; }
.todo .what span { color: var(--soft); white-space: nowrap; }
.todo p { margin: .25rem 0 0; } .todo .risk { color: var(--soft); }
pre { margin: 0; padding: .75rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 4px;
  font: .9rem/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; user-select: all; }
h3 { margin: 1.1rem 0 .4rem; font-size: .95rem; }
footer { margin-top: 2.5rem; padding-top: .75rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .85rem; }
footer p { margin: 0 0 .25rem; }
@media (max-width: 40rem) { td.bar { display: none; } th.n, td.n { width: auto; } }
@media print {
  :root { --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb;
    --pass: #3f9b6e; --none: #c3c8cf; --neutral: #8d96a3; --softfail: #e2a72e; --fail: #cd4a3f;
    --temperror: #9a73d8; --permerror: #5d45a3; --mark: #1f5fa8; }
  body { font-size: 10pt; } main { max-width: none; padding: 0; }
  h2, h3, .advice, thead { break-after: avoid; } tr, svg { break-inside: avoid; }
  svg rect, svg path, .swatch { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
