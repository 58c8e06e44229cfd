/** To the page of what was just asked for. */
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { Schemas } from "@/api/client";

export function useGo() {
  const navigate = useNavigate();
  const queries = useQueryClient();
  return async (job: Schemas["Job"]): Promise<void> => {
    await queries.invalidateQueries({ queryKey: ["runs"] });
    await navigate({ to: "/backtests/$runId", params: { runId: job.id } });
  };
}
