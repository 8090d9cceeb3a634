import { createHash, X509Certificate } from 'node:crypto';
import { importPKCS8 } from 'jose';
import * as client from 'openid-client';
import type { ClientAuthentication } from './options.ts';

/** What the library must know about us, beside the client's id: clocks may differ by a minute. */
export const clientMetadata: Partial<client.ClientMetadata> = { [client.clockTolerance]: 60 };

/** Proves to the token endpoint who we are. Throws for a key that cannot be used. */
export async function clientAuthentication(authentication: ClientAuthentication): Promise<client.ClientAuth> {
  switch (authentication.kind) {
    case 'none':
      return client.None();
    case 'client_secret_basic':
      return client.ClientSecretBasic(authentication.secret.reveal());
    case 'client_secret_post':
      return client.ClientSecretPost(authentication.secret.reveal());
    case 'secret':
      return byMetadata(authentication.secret.reveal());
    case 'private_key_jwt':
      return signedAssertion(authentication);
  }
}

/** Providers that name neither way mean `client_secret_basic` (Discovery 1.0, 3). */
function byMetadata(secret: string): client.ClientAuth {
  const basic = client.ClientSecretBasic(secret);
  const post = client.ClientSecretPost(secret);
  return (server, metadata, body, headers) => {
    const supported = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const usesPost = supported.includes('client_secret_post') && !supported.includes('client_secret_basic');
    (usesPost ? post : basic)(server, metadata, body, headers);
  };
}

async function signedAssertion({
  key: pem,
  keyId,
  certificate,
}: Extract<ClientAuthentication, { kind: 'private_key_jwt' }>): Promise<client.ClientAuth> {
  const key = await importedKey(pem);
  const thumbprint =
    certificate === undefined
      ? undefined
      : createHash('sha256').update(new X509Certificate(certificate).raw).digest('base64url');
  return client.PrivateKeyJwt(
    { key, ...(keyId === undefined ? {} : { kid: keyId }) },
    {
      [client.modifyAssertion]: (header) => {
        if (thumbprint !== undefined) header['x5t#S256'] = thumbprint;
      },
    },
  );
}

async function importedKey(pem: string): Promise<client.CryptoKey> {
  for (const algorithm of ['PS256', 'ES256', 'EdDSA']) {
    try {
      return await importPKCS8(pem, algorithm);
    } catch {
      // jose tells by throwing that the key is not of this kind
    }
  }
  throw new RangeError('Cannot use client key: not an RSA, P-256 or Ed25519 key in PKCS #8');
}
