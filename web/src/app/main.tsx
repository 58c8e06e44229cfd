import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { asProblem } from "@/api/problem";
import { accounts, profile } from "@/api/queries";
import { refresh } from "@/api/session";
import { follow } from "@/lib/preferences";
import { asked } from "./early";
import { router } from "./router";
import "./theme.css";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // Reading again is harmless where the platform was away, and pointless where it has answered.
      retry: (failures, error) => failures < 3 && [0, 429, 502, 503, 504].includes(asProblem(error).status),
    },
    // Nothing that changes something is sent again by itself: the person decides, and keys make it count once.
    mutations: { retry: false },
  },
});

follow();
void refresh(asked).then((token) => {
  // Every page begins with these: they are on their way while the first one is drawn.
  if (token === null) return;
  void queries.prefetchQuery(accounts);
  void queries.prefetchQuery(profile);
});
if ("serviceWorker" in navigator && import.meta.env.PROD) {
  // Refused where the certificate is not trusted; everything but web push works without.
  void navigator.serviceWorker.register("/sw.js").catch(() => undefined);
}

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}
