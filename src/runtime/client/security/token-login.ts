import { brokerError, ErrorCode } from '../../../protocol/error-codes.js';

// The mechanism OAUTHBEARER (RFC 7628). kafkajs has one that does not read the broker's answer: a refused token looks
// like an accepted one, and every request on that connection then fails for a reason that says nothing.

/** How kafkajs carries the messages of a login. */
interface Exchange {
  saslAuthenticate(message: {
    readonly request: { encode(): Buffer };
    readonly response: { decode(bytes: Buffer): Buffer; parse(bytes: Buffer): string };
  }): Promise<unknown>;
  readonly host: string;
  readonly port: number;
}

/** A login with tokens that are asked for at every connection, as kafkajs takes it. */
export interface TokenMechanism {
  readonly mechanism: 'oauthbearer';
  readonly authenticationProvider: (exchange: Exchange) => { authenticate(): Promise<void> };
}

const SEPARATOR = '\u0001';

/** Rejects with SASL_AUTHENTICATION_FAILED, and what the broker says, for a token that it does not take. */
export function tokenLogin(token: () => Promise<string>): TokenMechanism {
  return {
    mechanism: 'oauthbearer',
    authenticationProvider: (exchange) => ({ authenticate: () => authenticate(exchange, token) }),
  };
}

async function authenticate(exchange: Exchange, token: () => Promise<string>): Promise<void> {
  const refusal = await say(exchange, `n,,${SEPARATOR}auth=Bearer ${await token()}${SEPARATOR}${SEPARATOR}`);
  if (refusal === '') return;
  // The broker ends a refused login only after this answer, with the same words.
  await say(exchange, SEPARATOR).catch(() => '');
  const at = `login by token at ${exchange.host}:${exchange.port}, which answers ${refusal}`;
  throw brokerError(ErrorCode.SASL_AUTHENTICATION_FAILED, at);
}

/** What the other side answers; both have their length before them. */
async function say(exchange: Exchange, text: string): Promise<string> {
  const size = Buffer.alloc(4);
  size.writeInt32BE(Buffer.byteLength(text));
  const answer = await exchange.saslAuthenticate({
    request: { encode: () => Buffer.concat([size, Buffer.from(text)]) },
    response: { decode: (bytes) => bytes, parse: (bytes) => bytes.subarray(4).toString() },
  });
  return typeof answer === 'string' ? answer : '';
}
