/** What may become of an order that was sent. */
import type { Schemas } from "@/api/client";
import type { Problem } from "@/api/problem";

type Placed = Schemas["OrderShown"];
export type Outcome =
  | { kind: "placed"; order: Placed }
  | { kind: "denied"; problem: Problem }
  | { kind: "looking" }
  | { kind: "arrived"; order: Placed }
  | { kind: "not-arrived" }
  | { kind: "still-unknown" };
