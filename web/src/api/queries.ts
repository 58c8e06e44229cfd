/** What is read in more than one place, each under the key by which the streams make it stale. */
import { queryOptions } from "@tanstack/react-query";
import { api, got } from "./client";

const SECOND = 1000;

export const profile = queryOptions({ queryKey: ["profile"], queryFn: () => got(api.GET("/api/v1/users/profile")), staleTime: 60 * SECOND });
export const settings = queryOptions({ queryKey: ["settings"], queryFn: () => got(api.GET("/api/v1/users/settings")), staleTime: 60 * SECOND });
export const accounts = queryOptions({
  queryKey: ["accounts"],
  queryFn: () => got(api.GET("/api/v1/trading/accounts", { params: { query: { limit: 100 } } })),
  staleTime: 30 * SECOND,
});
export const halts = queryOptions({ queryKey: ["halts"], queryFn: () => got(api.GET("/api/v1/trading/halts")) });
export const marketStatus = queryOptions({
  queryKey: ["market-status"],
  queryFn: () => got(api.GET("/api/v1/market/status")),
  refetchInterval: 60 * SECOND,
});
export const notices = queryOptions({
  queryKey: ["notices"],
  queryFn: () => got(api.GET("/api/v1/notifications", { params: { query: { limit: 50 } } })),
});
export const watchlists = queryOptions({
  queryKey: ["watchlists"],
  queryFn: () => got(api.GET("/api/v1/market/watchlists", { params: { query: { limit: 50 } } })),
});
export const strategies = queryOptions({
  queryKey: ["strategies"],
  queryFn: () => got(api.GET("/api/v1/backtest/strategies", { params: { query: { limit: 100 } } })),
});

export const stock = (symbol: string) =>
  queryOptions({
    queryKey: ["stock", symbol],
    queryFn: () => got(api.GET("/api/v1/market/stocks/{symbol}", { params: { path: { symbol } } })),
    staleTime: 3600 * SECOND,
  });

export const quote = (symbol: string) =>
  queryOptions({
    queryKey: ["quote", symbol],
    queryFn: () => got(api.GET("/api/v1/market/quotes/{symbol}", { params: { path: { symbol } } })),
    retry: false,
  });

export const summary = (accountId: string | null) =>
  queryOptions({
    queryKey: ["summary", accountId],
    queryFn: () => got(api.GET("/api/v1/portfolio/summary", { params: { query: { account_id: accountId ?? undefined } } })),
    refetchInterval: 30 * SECOND,
  });

/** The course day by day; its last point is the present. */
export const performance = (accountId: string) =>
  queryOptions({
    queryKey: ["performance", accountId],
    queryFn: () => got(api.GET("/api/v1/portfolio/performance", { params: { query: { account_id: accountId } } })),
    staleTime: 60 * SECOND,
    refetchInterval: 300 * SECOND,
  });

export const orders = (accountId: string | null) =>
  queryOptions({
    queryKey: ["orders", accountId],
    queryFn: () => got(api.GET("/api/v1/trading/orders", { params: { query: { account_id: accountId ?? undefined, limit: 100 } } })),
  });

export const order = (orderId: string) =>
  queryOptions({
    queryKey: ["order", orderId],
    queryFn: () => got(api.GET("/api/v1/trading/orders/{order_id}", { params: { path: { order_id: orderId } } })),
  });

export const executions = (orderId: string) =>
  queryOptions({
    queryKey: ["executions", orderId],
    queryFn: () => got(api.GET("/api/v1/trading/executions", { params: { query: { order_id: orderId, limit: 100 } } })),
  });
