import { messageOf, NestdawError } from '../../../common/errors.js';

// Tokens for Amazon MSK, signed with the credentials that AWS's own rules find (variables, profile, role). MSK takes
// them by the mechanism OAUTHBEARER. The signer is the application's to install.

const SIGNER: string = 'aws-msk-iam-sasl-signer-js';

interface Signer {
  generateAuthToken(options: { region: string }): Promise<{ token: string }>;
}

/** The region of the brokers' names (`….kafka.eu-west-1.amazonaws.com`), else that of the process. */
export function mskRegion(
  servers: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const named = servers.map((server) => /\.kafka(?:-serverless)?\.([a-z0-9-]+)\.amazonaws\./i.exec(server)?.[1]);
  return named.find((region) => region !== undefined) ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION;
}

/**
 * Throws KAFKA_CONFIG_INVALID when the package or the region is missing, KAFKA_CONNECTION_FAILED when signing fails.
 */
export async function mskToken(
  region: string | undefined,
  load: () => Promise<unknown> = () => import(SIGNER),
): Promise<string> {
  if (region === undefined) {
    const message = 'AWS_MSK_IAM needs a region, and the servers do not name one: set the variable AWS_REGION';
    throw new NestdawError('KAFKA_CONFIG_INVALID', message);
  }
  const signer = await load().catch((error: unknown) => {
    const message = `AWS_MSK_IAM needs the package ${SIGNER}: npm install ${SIGNER} (${messageOf(error)})`;
    throw new NestdawError('KAFKA_CONFIG_INVALID', message, { cause: error });
  });
  try {
    return (await (signer as Signer).generateAuthToken({ region })).token;
  } catch (error) {
    const message = `no token for MSK in ${region}: ${messageOf(error)}; check the credentials of AWS`;
    throw new NestdawError('KAFKA_CONNECTION_FAILED', message, { cause: error, retriable: true });
  }
}
