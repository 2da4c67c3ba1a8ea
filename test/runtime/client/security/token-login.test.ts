import { describe, expect, it } from '@jest/globals';
import { tokenLogin } from '../../../../src/runtime/client/security/token-login.js';

/** A broker that gives these answers to a login; what it was told. */
function brokerOf(...answers: string[]) {
  const told: string[] = [];
  const login = tokenLogin(() => Promise.resolve('a.b.c')).authenticationProvider({
    host: 'kafka-1',
    port: 9093,
    saslAuthenticate: async ({ request, response }) => {
      const bytes = request.encode();
      expect(bytes.readInt32BE(0)).toBe(bytes.length - 4);
      told.push(bytes.subarray(4).toString());
      const answer = answers.shift();
      if (answer === undefined) throw new Error('closed');
      const size = Buffer.alloc(4);
      size.writeInt32BE(answer.length);
      return response.parse(response.decode(Buffer.concat([size, Buffer.from(answer)])));
    },
  });
  return { login, told };
}

describe('a login by token', () => {
  it('shows the token, and is done when the broker has nothing to say to it', async () => {
    const { login, told } = brokerOf('');
    await login.authenticate();
    expect(told).toEqual(['n,,\u0001auth=Bearer a.b.c\u0001\u0001']);
  });

  it('is refused by what the broker says, after the answer that it waits for', async () => {
    const { login, told } = brokerOf('{"status":"invalid_token"}');
    await expect(login.authenticate()).rejects.toMatchObject({
      errorName: 'SASL_AUTHENTICATION_FAILED',
      retriable: false,
      message: expect.stringContaining('login by token at kafka-1:9093, which answers {"status":"invalid_token"}: '),
    });
    expect(told.at(-1)).toBe('\u0001');
  });
});
