/** An order's life as steps a person can follow: from what is stored of it, its executions, and what was heard live. */
import type { Schemas } from "@/api/client";
import type { Step } from "@/live/account";

type Order = Schemas["OrderShown"];
type Execution = Schemas["ExecutionShown"];

export interface LifeStep {
  key: string;
  /** The word after `step.`. */
  word: string;
  at: string | null;
  execution?: Execution;
  tone: "done" | "now" | "bad" | "wait";
}

const ENDS: Record<string, LifeStep["tone"]> = { filled: "done", canceled: "done", expired: "done", rejected: "bad", denied: "bad" };
const HEARD = new Set(["accepted", "pending_cancel", "pending_replace", "unknown"]);

export function lifeOf(order: Order, executions: readonly Execution[], heard: readonly Step[]): LifeStep[] {
  const steps: LifeStep[] = [{ key: "placed", word: "placed", at: order.created_at, tone: "done" }];
  if (order.status === "denied") return [...steps, { key: "denied", word: "denied", at: order.created_at, tone: "bad" }];
  steps.push({ key: "checked", word: "checked", at: order.created_at, tone: "done" });
  const waits = order.order_type.includes("stop");
  if (order.status === "held") return [...steps, { key: "held", word: "held", at: null, tone: "now" }];
  if (waits) steps.push({ key: "triggered", word: "triggered", at: order.triggered_at, tone: "done" });
  const between: LifeStep[] = [
    ...executions.map((execution) => ({ key: execution.execution_id, word: "execution", at: execution.executed_at, execution, tone: "done" as const })),
    ...heard.filter((each) => HEARD.has(each.status)).map((each) => ({ key: `${each.status}${each.at}`, word: each.status, at: each.at, tone: "done" as const })),
  ];
  steps.push(...between.sort((a, b) => String(a.at).localeCompare(String(b.at))));
  const end = ENDS[order.status];
  if (end) return [...steps, { key: "end", word: order.status, at: order.updated_at, tone: end }];
  if (order.status === "unknown") return [...steps.filter((each) => each.word !== "unknown"), { key: "now", word: "unknown", at: order.updated_at, tone: "now" }];
  if (order.status.startsWith("pending_")) return [...steps.filter((each) => each.word !== order.status), { key: "now", word: order.status, at: order.updated_at, tone: "now" }];
  return [...steps, { key: "now", word: "waiting", at: null, tone: "now" }];
}
