/** Passkeys: the browser's own dialog, between the server's JSON and the browser's buffers. */
import { type Schemas } from "@/api/client";

export type UsedCredential = NonNullable<Schemas["Credentials"]["passkey"]>;
export type NewCredential = Schemas["NewCredential"];

function bytes(text: string): ArrayBuffer {
  const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0)).buffer;
}

export function base64url(buffer: ArrayBuffer): string {
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

interface Described { id: string; type: PublicKeyCredentialType; transports?: AuthenticatorTransport[] }
const known = (those: Described[] | undefined): PublicKeyCredentialDescriptor[] => (those ?? []).map((each) => ({ ...each, id: bytes(each.id) }));

/** Rejects with the browser's DOMException when the person cancels or the device has no passkey for us. */
export async function presentPasskey(options: Record<string, unknown>): Promise<UsedCredential> {
  const given = options as unknown as { challenge: string; allowCredentials?: Described[] };
  const publicKey = { ...given, challenge: bytes(given.challenge), allowCredentials: known(given.allowCredentials) } as PublicKeyCredentialRequestOptions;
  const credential = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential;
  const signed = credential.response as AuthenticatorAssertionResponse;
  return {
    id: credential.id,
    rawId: base64url(credential.rawId),
    type: "public-key",
    response: {
      clientDataJSON: base64url(signed.clientDataJSON),
      authenticatorData: base64url(signed.authenticatorData),
      signature: base64url(signed.signature),
      userHandle: signed.userHandle ? base64url(signed.userHandle) : null,
    },
  };
}

export async function makePasskey(options: Record<string, unknown>): Promise<NewCredential> {
  const given = options as unknown as { challenge: string; user: { id: string }; excludeCredentials?: Described[] };
  const publicKey = {
    ...given,
    challenge: bytes(given.challenge),
    user: { ...given.user, id: bytes(given.user.id) },
    excludeCredentials: known(given.excludeCredentials),
  } as unknown as PublicKeyCredentialCreationOptions;
  const credential = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential;
  const made = credential.response as AuthenticatorAttestationResponse;
  return {
    id: credential.id,
    rawId: base64url(credential.rawId),
    type: "public-key",
    response: { clientDataJSON: base64url(made.clientDataJSON), attestationObject: base64url(made.attestationObject) },
  };
}
