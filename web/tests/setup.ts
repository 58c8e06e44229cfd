/** jsdom has no media queries: here, nothing is preferred. */
if (typeof window !== "undefined") {
  window.matchMedia = (media: string) => Object.assign(new EventTarget(), { matches: false, media }) as unknown as MediaQueryList;
}
