import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../../src/common/clock.js';
import { mskRegion, mskToken } from '../../../../src/runtime/client/security/msk-tokens.js';
import { OAuthTokens, type OAuthTokensOptions } from '../../../../src/runtime/client/security/oauth-tokens.js';
import { flush, ManualClock } from '../../../support/manual-clock.js';

const OPTIONS: Omit<OAuthTokensOptions, 'clock'> = {
  endpoint: 'http://login/token',
  clientId: 'id:1',
  clientSecret: 's&t',
  scope: 'kafka',
  urlEncode: false,
  timeoutMs: 10_000,
  retryBackoffMs: 100,
  retryBackoffMaxMs: 1_000,
  refreshFactor: 0.8,
  bufferMs: 300_000,
};

interface Asked {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Tokens over answers in order; the last one repeats. */
function tokensOf(answers: ReadonlyArray<() => Response | Promise<Response>>, more: Partial<OAuthTokensOptions> = {}) {
  const clock = new ManualClock();
  const asked: Asked[] = [];
  const fake = async (url: string, init: { headers: Record<string, string>; body: URLSearchParams }) => {
    asked.push({ url, headers: init.headers, body: init.body.toString() });
    return answers[Math.min(asked.length, answers.length) - 1]!();
  };
  const tokens = new OAuthTokens({ ...OPTIONS, ...more, clock, fetch: fake as unknown as typeof fetch });
  return { tokens, clock, asked };
}

const answer = (token: string, seconds?: number) => () =>
  Response.json({
    access_token: token,
    token_type: 'Bearer',
    ...(seconds === undefined ? {} : { expires_in: seconds }),
  });

describe('OAuthTokens', () => {
  it('asks by the flow of client credentials', async () => {
    const { tokens, asked } = tokensOf([answer('t1', 3600)]);
    expect(await tokens.token()).toBe('t1');
    expect(asked).toEqual([
      {
        url: 'http://login/token',
        headers: { Authorization: `Basic ${Buffer.from('id:1:s&t').toString('base64')}`, Accept: 'application/json' },
        body: 'grant_type=client_credentials&scope=kafka',
      },
    ]);
    const encoded = tokensOf([answer('t', 1)], { urlEncode: true, scope: undefined });
    await encoded.tokens.token();
    expect(encoded.asked[0]?.headers.Authorization).toBe(`Basic ${Buffer.from('id%3A1:s%26t').toString('base64')}`);
    expect(encoded.asked[0]?.body).toBe('grant_type=client_credentials');
  });

  it('asks once for all who wait, and again late in the life of a token', async () => {
    const { tokens, clock, asked } = tokensOf([answer('t1', 3_600), answer('t2', 60)]);
    expect(await Promise.all([tokens.token(), tokens.token()])).toEqual(['t1', 't1']);
    await clock.advance(2_879_000);
    expect([await tokens.token(), asked.length]).toEqual(['t1', 1]);
    await clock.advance(2_000);
    expect([await tokens.token(), asked.length]).toEqual(['t2', 2]);
    // The buffer of five minutes would leave nothing of one minute: half of it counts.
    await clock.advance(29_000);
    expect([await tokens.token(), asked.length]).toEqual(['t2', 2]);
    await clock.advance(2_000);
    await tokens.token();
    expect(asked).toHaveLength(3);
  });

  it('tries again while the endpoint is troubled, not when it refuses', async () => {
    const busy = () => new Response('busy', { status: 503 });
    const { tokens, clock, asked } = tokensOf([busy, busy, answer('t', 60)]);
    const token = tokens.token();
    await flush();
    await clock.advance(500);
    expect([await token, asked.length]).toEqual(['t', 3]);

    const refused = tokensOf([() => new Response('{"error":"invalid_client"}', { status: 401 })]);
    await expect(refused.tokens.token()).rejects.toMatchObject({
      code: 'KAFKA_CONNECTION_FAILED',
      retriable: false,
      message:
        'no token from http://login/token: HTTP 401 {"error":"invalid_client"}; check sasl.oauthbearer.token.endpoint.url, client id, secret and scope',
    });
    expect(refused.asked).toHaveLength(1);
  });

  it('gives up after the longest back-off, and can be asked again', async () => {
    let works = false;
    const { tokens, clock } = tokensOf([() => (works ? answer('t', 60)() : Promise.reject(new Error('ECONNREFUSED')))]);
    const failed = tokens.token().catch((error: unknown) => (error as Error).message);
    await clock.advance(5_000);
    expect(await failed).toContain('ECONNREFUSED');
    works = true;
    expect(await tokens.token()).toBe('t');
  });

  it.each([
    ['no JSON', () => new Response('<html>'), 'its answer is no JSON'],
    ['no token', () => Response.json({}), 'its answer holds no access_token'],
  ])('refuses an answer with %s', async (_what, response, message) => {
    await expect(tokensOf([response]).tokens.token()).rejects.toThrow(message);
  });

  it('speaks HTTP', async () => {
    const server = createServer((request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ access_token: `${request.method} ${request.url}`, expires_in: 60 }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/oauth`;
    const tokens = new OAuthTokens({ ...OPTIONS, endpoint, clock: systemClock });
    expect(await tokens.token()).toBe('POST /oauth');
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('tokens for MSK', () => {
  it('are signed for the region of the brokers', async () => {
    expect(mskRegion(['b-1.x.abc.c2.kafka.eu-west-1.amazonaws.com:9098'], {})).toBe('eu-west-1');
    expect(mskRegion(['boot-x.c1.kafka-serverless.us-east-1.amazonaws.com:9098'], { AWS_REGION: 'other' })).toBe(
      'us-east-1',
    );
    expect(mskRegion(['localhost:9092'], { AWS_REGION: 'sa-east-1' })).toBe('sa-east-1');
    const signer = {
      generateAuthToken: ({ region }: { region: string }) => Promise.resolve({ token: `for ${region}` }),
    };
    expect(await mskToken('eu-west-1', () => Promise.resolve(signer))).toBe('for eu-west-1');
  });

  it('say what is missing', async () => {
    await expect(mskToken(undefined)).rejects.toThrow('set the variable AWS_REGION');
    await expect(mskToken('eu-west-1')).rejects.toThrow('npm install aws-msk-iam-sasl-signer-js');
    const broken = { generateAuthToken: () => Promise.reject(new Error('no credentials')) };
    await expect(mskToken('eu-west-1', () => Promise.resolve(broken))).rejects.toMatchObject({
      code: 'KAFKA_CONNECTION_FAILED',
      message: 'no token for MSK in eu-west-1: no credentials; check the credentials of AWS',
    });
  });
});
