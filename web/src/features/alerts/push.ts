/** Web push: the browser's own address for messages, made for this installation's key alone. */
import { base64url } from "@/lib/passkeys";

export class PushRefused extends Error {
  constructor(readonly reason: "denied" | "none") {
    super(reason);
  }
}

export async function subscribePush(serverKey: string): Promise<{ endpoint: string; keys: { p256dh: string; auth: string } }> {
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) throw new PushRefused("none");
  if ((await Notification.requestPermission()) !== "granted") throw new PushRefused("denied");
  try {
    const registration = await navigator.serviceWorker.ready;
    const subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: serverKey });
    const text = (name: PushEncryptionKeyName): string => base64url(subscription.getKey(name) ?? new ArrayBuffer(0));
    return { endpoint: subscription.endpoint, keys: { p256dh: text("p256dh"), auth: text("auth") } };
  } catch {
    throw new PushRefused("none");
  }
}
