import { createSign, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';

// Who gives out tokens to applications (client credentials), and the keys to check them with to brokers.

export interface TokenIssuer {
  readonly tokenUrl: string;
  readonly keysUrl: string;
  /** Client ids that asked for a token, in their order. */
  readonly asked: readonly string[];
  stop(): Promise<void>;
}

const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Tokens for the audience that the scope names, signed by a key of its own. */
export async function startTokenIssuer(): Promise<TokenIssuer> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const asked: string[] = [];
  const token = (subject: string, audience: string) => {
    const now = Math.floor(Date.now() / 1_000);
    const head = base64({ alg: 'RS256', typ: 'JWT', kid: 'one' });
    const body = `${head}.${base64({ sub: subject, aud: audience, scope: audience, iat: now, exp: now + 3_600 })}`;
    return `${body}.${createSign('RSA-SHA256').update(body).sign(privateKey).toString('base64url')}`;
  };
  const server = createServer((request, response) => {
    const answer = (value: object) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(value));
    };
    if (request.url === '/keys') {
      answer({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' }] });
      return;
    }
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      const [client = ''] = Buffer.from(request.headers.authorization?.split(' ')[1] ?? '', 'base64')
        .toString()
        .split(':');
      asked.push(client);
      const scope = new URLSearchParams(text).get('scope') ?? '';
      answer({ access_token: token(client, scope), token_type: 'Bearer', expires_in: 3_600 });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    tokenUrl: `${url}/token`,
    keysUrl: `${url}/keys`,
    asked,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
