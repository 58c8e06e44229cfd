/**
 * Placing an order so that it can happen once only. The order's own id is made before it is sent; when no answer comes,
 * the platform is asked whether it has that id, and until it has said so the same id is used again.
 */
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { asProblem } from "@/api/problem";
import { OrderIds } from "./order-ids";
import type { Outcome } from "./outcome";

const UNSURE = new Set([0, 500, 502, 503, 504]);
const LOOKS = 3;
const LOOK_PAUSE_MS = 1500;

export function usePlacing() {
  const queries = useQueryClient();
  const ids = useRef(new OrderIds());
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [busy, setBusy] = useState(false);

  const settle = (result: Outcome, terms: string): void => {
    ids.current.settle(result.kind, terms);
    setOutcome(result);
    for (const key of ["orders", "summary", "balance", "ledger"]) void queries.invalidateQueries({ queryKey: [key] });
  };

  const place = async (orderWith: (clientOrderId: string) => Schemas["PlaceOrder"]): Promise<void> => {
    setBusy(true);
    setOutcome(null);
    const terms = JSON.stringify(orderWith(""));
    const id = ids.current.of(terms);
    try {
      const body = orderWith(id);
      settle({ kind: "placed", order: await got(api.POST("/api/v1/trading/orders", { body, headers: { "Idempotency-Key": id } })) }, terms);
    } catch (error) {
      const problem = asProblem(error);
      if (!UNSURE.has(problem.status)) settle({ kind: "denied", problem }, terms);
      else {
        setOutcome({ kind: "looking" });
        settle(await lookFor(id), terms);
      }
    } finally {
      setBusy(false);
    }
  };
  return { place, outcome, busy, forget: () => setOutcome(null) };
}

async function lookFor(clientOrderId: string): Promise<Outcome> {
  for (let look = 0; look < LOOKS; look += 1) {
    try {
      const path = { client_order_id: clientOrderId };
      return { kind: "arrived", order: await got(api.GET("/api/v1/trading/orders/by-client-id/{client_order_id}", { params: { path } })) };
    } catch (error) {
      // Only a clear "no such order", twice, is believed: the first look may have overtaken the order.
      if (asProblem(error).status === 404 && look > 0) return { kind: "not-arrived" };
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_PAUSE_MS));
  }
  return { kind: "still-unknown" };
}
