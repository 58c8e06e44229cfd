/** The market that forms begin with: Korea, unless this installation has prices of none of its stocks. */
import { useQuery } from "@tanstack/react-query";
import { api, got } from "@/api/client";

export function useHomeMarket(): "KRX" | "US" {
  const { data } = useQuery({
    queryKey: ["home-market"],
    queryFn: () => got(api.GET("/api/v1/market/stocks", { params: { query: { market: "KRX", limit: 1 } } })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return data?.items.length === 0 ? "US" : "KRX";
}
