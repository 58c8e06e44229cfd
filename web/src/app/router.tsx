/** Every address of the client. A page's code is fetched when it is first gone to, or pointed at. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet } from "@tanstack/react-router";
import { Login } from "@/features/auth/login";
import { Broken, Inside, NotFound } from "./shell";

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound, errorComponent: Broken });

const outside = [
  createRoute({ getParentRoute: () => root, path: "/login", component: Login }),
  createRoute({ getParentRoute: () => root, path: "/signup", component: lazyRouteComponent(() => import("@/features/auth/signup"), "Signup") }),
  createRoute({ getParentRoute: () => root, path: "/forgot", component: lazyRouteComponent(() => import("@/features/auth/mails"), "Forgot") }),
  createRoute({ getParentRoute: () => root, path: "/reset-password", component: lazyRouteComponent(() => import("@/features/auth/mails"), "ResetPassword") }),
  createRoute({ getParentRoute: () => root, path: "/verify-email", component: lazyRouteComponent(() => import("@/features/auth/mails"), "VerifyEmail") }),
  createRoute({ getParentRoute: () => root, path: "/signed-in", component: lazyRouteComponent(() => import("@/features/auth/mails"), "SignedIn") }),
];

const inside = createRoute({ getParentRoute: () => root, id: "inside", component: Inside });

const pages = [
  createRoute({ getParentRoute: () => inside, path: "/", component: lazyRouteComponent(() => import("@/features/dashboard/dashboard"), "Dashboard") }),
  createRoute({ getParentRoute: () => inside, path: "/market", component: lazyRouteComponent(() => import("@/features/market/market"), "Market") }),
  createRoute({ getParentRoute: () => inside, path: "/market/$symbol", component: lazyRouteComponent(() => import("@/features/market/market"), "Market") }),
  createRoute({ getParentRoute: () => inside, path: "/orders", component: lazyRouteComponent(() => import("@/features/orders/orders"), "Orders") }),
  createRoute({ getParentRoute: () => inside, path: "/orders/$orderId", component: lazyRouteComponent(() => import("@/features/orders/order"), "OrderPage") }),
  createRoute({ getParentRoute: () => inside, path: "/portfolio", component: lazyRouteComponent(() => import("@/features/portfolio/portfolio"), "Portfolio") }),
  createRoute({ getParentRoute: () => inside, path: "/strategies", component: lazyRouteComponent(() => import("@/features/strategies/strategies"), "Strategies") }),
  createRoute({ getParentRoute: () => inside, path: "/strategies/$strategyId", component: lazyRouteComponent(() => import("@/features/strategies/strategy"), "StrategyPage") }),
  createRoute({ getParentRoute: () => inside, path: "/backtests", component: lazyRouteComponent(() => import("@/features/backtests/backtests"), "Backtests") }),
  createRoute({ getParentRoute: () => inside, path: "/backtests/$runId", component: lazyRouteComponent(() => import("@/features/backtests/run"), "RunPage") }),
  createRoute({ getParentRoute: () => inside, path: "/automations", component: lazyRouteComponent(() => import("@/features/automations/automations"), "Automations") }),
  createRoute({ getParentRoute: () => inside, path: "/automations/$automationId", component: lazyRouteComponent(() => import("@/features/automations/automation"), "AutomationPage") }),
  createRoute({ getParentRoute: () => inside, path: "/screener", component: lazyRouteComponent(() => import("@/features/screener/screener"), "Screener") }),
  createRoute({ getParentRoute: () => inside, path: "/alerts", component: lazyRouteComponent(() => import("@/features/alerts/alerts"), "Alerts") }),
  createRoute({ getParentRoute: () => inside, path: "/connections", component: lazyRouteComponent(() => import("@/features/connections/connections"), "Connections") }),
  createRoute({ getParentRoute: () => inside, path: "/risk", component: lazyRouteComponent(() => import("@/features/risk/risk"), "Risk") }),
  createRoute({ getParentRoute: () => inside, path: "/settings", component: lazyRouteComponent(() => import("@/features/settings/settings"), "SettingsPage") }),
  createRoute({ getParentRoute: () => inside, path: "/settings/$section", component: lazyRouteComponent(() => import("@/features/settings/settings"), "SettingsPage") }),
  createRoute({ getParentRoute: () => inside, path: "/admin", component: lazyRouteComponent(() => import("@/features/admin/admin"), "Admin") }),
];

export const router = createRouter({
  routeTree: root.addChildren([...outside, inside.addChildren(pages)]),
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
