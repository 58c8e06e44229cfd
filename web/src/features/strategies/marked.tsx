/** A text again, unseen but for a mark under the stretch that a problem begins at. */
import { stretchAt } from "./completion";

export function Marked({ text, column }: { text: string; column: number }) {
  const { start, end } = stretchAt(text, column);
  return <>{text.slice(0, start)}<mark data-column={column} className="bg-bad/25 text-transparent underline decoration-bad decoration-wavy underline-offset-4">{text.slice(start, end) || " "}</mark>{text.slice(end)}</>;
}
