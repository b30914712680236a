/**
 * Freezes a value and all that it holds, and returns it. Octets of addresses (typed arrays) and the entries of
 * maps cannot be frozen; their types are read-only.
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
