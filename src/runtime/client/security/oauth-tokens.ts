import { exponentialBackoff } from '../../../common/backoff.js';
import { type Clock, sleep } from '../../../common/clock.js';
import { messageOf, NestdawError } from '../../../common/errors.js';
import { type Random, systemRandom } from '../../../common/random.js';

// Tokens for the mechanism OAUTHBEARER, by the flow of client credentials (RFC 6749, 4.4). One token serves all
// connections; it is replaced when a connection asks for one late in its life, and one request serves all who wait.

export interface OAuthTokensOptions {
  readonly endpoint: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string | undefined;
  /** Whether id and secret are URL-encoded in the header. */
  readonly urlEncode: boolean;
  /** How long one request may take. */
  readonly timeoutMs: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
  /** Share of its life after which a token is replaced. */
  readonly refreshFactor: number;
  /** Ms before its end at which a token is no longer used, as long as that leaves half of its life. */
  readonly bufferMs: number;
  readonly clock: Clock;
  readonly random?: Random;
  readonly fetch?: typeof fetch;
}

interface Token {
  readonly value: string;
  /** On the monotonic clock: from here on it is not handed out any more. */
  readonly replaceAt: number;
}

/** Life of a token whose endpoint does not say. */
const DEFAULT_LIFE_S = 300;

export class OAuthTokens {
  readonly #options: OAuthTokensOptions;
  #token: Token | undefined;
  #fetching: Promise<Token> | undefined;

  constructor(options: OAuthTokensOptions) {
    this.#options = options;
  }

  /** A token that is good for a login now. Throws KAFKA_CONNECTION_FAILED naming the endpoint and its answer. */
  async token(): Promise<string> {
    const { clock } = this.#options;
    if (this.#token && clock.monotonic() < this.#token.replaceAt) return this.#token.value;
    this.#fetching ??= this.#fetchUntilItWorks().finally(() => {
      this.#fetching = undefined;
    });
    this.#token = await this.#fetching;
    return this.#token.value;
  }

  /** Tries again until the delay has reached its maximum; what the endpoint refuses for good is not tried again. */
  async #fetchUntilItWorks(): Promise<Token> {
    const { clock, retryBackoffMs, retryBackoffMaxMs, random = systemRandom } = this.#options;
    const backoff = exponentialBackoff({ initialMs: retryBackoffMs, maxMs: retryBackoffMaxMs, random });
    const giveUpAt = clock.monotonic() + retryBackoffMaxMs;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#fetch();
      } catch (error) {
        const isFinal = error instanceof NestdawError && !error.retriable;
        if (isFinal || clock.monotonic() >= giveUpAt) throw error;
        await sleep(clock, backoff(attempt));
      }
    }
  }

  async #fetch(): Promise<Token> {
    const { endpoint, scope, clock, timeoutMs } = this.#options;
    const begun = clock.monotonic();
    const abort = new AbortController();
    const timer = clock.schedule(timeoutMs, () => abort.abort(new Error(`no answer within ${timeoutMs} ms`)));
    try {
      const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) });
      const response = await (this.#options.fetch ?? fetch)(endpoint, {
        method: 'POST',
        headers: { Authorization: this.#authorization(), Accept: 'application/json' },
        body,
        signal: abort.signal,
      });
      const text = await response.text();
      if (!response.ok) throw this.#refused(response.status, text);
      return this.#read(text, begun);
    } catch (error) {
      if (error instanceof NestdawError) throw error;
      throw this.#failed(messageOf(abort.signal.aborted ? abort.signal.reason : error), true, error);
    } finally {
      timer.cancel();
    }
  }

  #authorization(): string {
    const { clientId, clientSecret, urlEncode } = this.#options;
    const [id, secret] = urlEncode ? [clientId, clientSecret].map(encodeURIComponent) : [clientId, clientSecret];
    return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
  }

  #read(text: string, begun: number): Token {
    let answer: { access_token?: unknown; expires_in?: unknown };
    try {
      answer = JSON.parse(text) as typeof answer;
    } catch (error) {
      throw this.#failed('its answer is no JSON', false, error);
    }
    if (typeof answer.access_token !== 'string') throw this.#failed('its answer holds no access_token', false);
    const seconds = Number(answer.expires_in);
    const lifeMs = (seconds > 0 ? seconds : DEFAULT_LIFE_S) * 1_000;
    const { refreshFactor, bufferMs } = this.#options;
    const goodFor = Math.min(lifeMs * refreshFactor, Math.max(lifeMs - bufferMs, lifeMs / 2));
    return { value: answer.access_token, replaceAt: begun + goodFor };
  }

  #refused(status: number, text: string): NestdawError {
    const said = text.slice(0, 200).replace(/\s+/g, ' ');
    return this.#failed(`HTTP ${status} ${said}`.trim(), status >= 500 || status === 408 || status === 429);
  }

  #failed(why: string, retriable: boolean, cause?: unknown): NestdawError {
    return new NestdawError(
      'KAFKA_CONNECTION_FAILED',
      `no token from ${this.#options.endpoint}: ${why}; check sasl.oauthbearer.token.endpoint.url, client id, secret and scope`,
      { cause, retriable },
    );
  }
}
