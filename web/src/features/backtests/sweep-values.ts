/** The values an optimisation tries, as one writes them: `fast: 5, 10, 20`, a line each. */
export type Values = Record<string, number[]>;

export const LINE = /^\s*([a-z_][a-z0-9_]*)\s*:\s*(.+)$/i;

/** The values by name, or the number of the first line that cannot be read. */
export function parseValues(text: string): { values: Values } | { line: number } {
  const values: Values = {};
  for (const [at, line] of text.split("\n").entries()) {
    if (!line.trim()) continue;
    const match = LINE.exec(line);
    const numbers = (match?.[2] ?? "").split(",").map((each) => (each.trim() ? Number(each) : Number.NaN));
    if (!match?.[1] || numbers.some((each) => !Number.isFinite(each))) return { line: at + 1 };
    values[match[1]] = numbers;
  }
  return { values };
}
