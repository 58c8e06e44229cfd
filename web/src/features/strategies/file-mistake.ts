/** What the platform says of a strategy file that it cannot take over: where it stands, and why. */
import { Problem } from "@/api/problem";

export interface FileMistake { line: number; column: number; message: string }

/** The mistake, if that is what went wrong; its field is `line 3, column 21`, both counted from 1. */
export function mistakeIn(error: unknown): FileMistake | null {
  if (!(error instanceof Problem) || error.code !== "invalid_strategy_file") return null;
  const first = error.body.errors?.[0];
  const place = /^line (\d+), column (\d+)$/.exec(first?.field ?? "");
  return place && first ? { line: Number(place[1]), column: Number(place[2]), message: first.message } : null;
}

/** The column that a place in a text would have if it were one long line, as `stretchAt` counts. */
export function columnIn(text: string, { line, column }: Pick<FileMistake, "line" | "column">): number {
  const before = text.split("\n").slice(0, line - 1).reduce((letters, each) => letters + each.length + 1, 0);
  return before + column - (text.length - text.trimStart().length);
}
