/** What is drawn below an equity curve, from the curve itself. For the eye only: the figures come from the platform. */
import type { Point } from "@/ui/curves";

/** How far below its highest so far each point is, as a share of one: 0 or below. */
export function drawdowns(points: readonly Point[]): Point[] {
  let highest = 0;
  return points.map(({ date, value }) => {
    highest = Math.max(highest, value);
    return { date, value: highest > 0 ? value / highest - 1 : 0 };
  });
}

export function returns(points: readonly Point[]): { date: string; session_return: number }[] {
  return points.slice(1).map(({ date, value }, at) => {
    const before = points[at]?.value ?? value;
    return { date, session_return: before > 0 ? value / before - 1 : 0 };
  });
}
