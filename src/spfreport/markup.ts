/** A piece of markup in which nothing from outside is anything but text. */
export interface Markup {
  readonly markup: string;
}

/** Text, shown as it is. */
export function text(value: string): Markup {
  return { markup: escaped(value) };
}

/** An element; names are ours, values are escaped. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  ...children: readonly Markup[]
): Markup {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(String(value))}"`);
  const inner = children.map(({ markup }) => markup).join("");
  return {
    markup: VOID.has(name)
      ? `<${name}${written.join("")}>`
      : `<${name}${written.join("")}>${inner}</${name}>`,
  };
}

const VOID = new Set(["meta"]);

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(value: string): string {
  return value.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? "");
}
