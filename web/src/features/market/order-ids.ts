/**
 * Under which id an order is sent. One that did not seem to arrive may still come, held up on the way: when the same
 * order is sent again it has the same id, so that the platform takes it once.
 */
import type { Outcome } from "./outcome";

export class OrderIds {
  #id = crypto.randomUUID();
  #lost: string | null = null;

  /** The id for an order with these terms. */
  of(terms: string): string {
    if (this.#lost !== null && this.#lost !== terms) this.#id = crypto.randomUUID();
    return this.#id;
  }

  /** What became of it decides whether the next one is another. */
  settle(kind: Outcome["kind"], terms: string): void {
    this.#lost = kind === "not-arrived" ? terms : null;
    if (kind !== "not-arrived" && kind !== "still-unknown") this.#id = crypto.randomUUID();
  }
}
