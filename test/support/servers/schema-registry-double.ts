import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import avsc from 'avsc';

// A schema registry in memory: Confluent's REST interface as far as writers and readers need it, backward compatible
// per subject. Counts what it was asked, and can be told to fail.

export interface RegistryDouble {
  readonly url: string;
  /** `METHOD path` of every request, in order. */
  readonly asked: string[];
  /** Value of `authorization` of the last request. */
  authorization: string | undefined;
  /** Status of every answer while it is set. */
  failing: number | undefined;
  register(subject: string, schema: object): number;
  stop(): Promise<void>;
}

class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

/** @param firstId of the first schema that is registered */
export async function startRegistry(firstId = 1): Promise<RegistryDouble> {
  const schemas: string[] = [];
  const subjects = new Map<string, number[]>();

  const idOf = (schema: string) => firstId + schemas.indexOf(schema);
  const register = (subject: string, schema: string): number => {
    const versions = subjects.get(subject) ?? [];
    const known = versions.find((id) => schemas[id - firstId] === schema);
    if (known !== undefined) return known;
    const last = versions.at(-1);
    if (last !== undefined && !canRead(schema, schemas[last - firstId]!)) {
      const message = `Schema being registered is incompatible with an earlier schema for subject "${subject}"`;
      throw new Refusal(409, 409, message);
    }
    if (!schemas.includes(schema)) schemas.push(schema);
    subjects.set(subject, [...versions, idOf(schema)]);
    return idOf(schema);
  };
  const versionsOf = (subject: string): number[] => {
    const versions = subjects.get(subject);
    if (versions === undefined) throw new Refusal(404, 40401, `Subject '${subject}' not found.`);
    return versions;
  };
  const answer = (method: string, path: string, body: { schema: string } | undefined): object => {
    const [, kind, name = '', rest, which] = path.split('/').map(decodeURIComponent);
    if (kind === 'schemas') {
      const schema = schemas[Number(rest) - firstId];
      if (schema === undefined) throw new Refusal(404, 40403, `Schema ${rest} not found`);
      return { schema };
    }
    if (method === 'GET') {
      const versions = versionsOf(name);
      const id = versions.at(-1)!;
      if (which !== 'latest') throw new Refusal(405, 405, 'only latest');
      return { subject: name, version: versions.length, id, schema: schemas[id - firstId] };
    }
    if (rest === 'versions') return { id: register(name, body!.schema) };
    const id = versionsOf(name).find((one) => schemas[one - firstId] === body!.schema);
    if (id === undefined) throw new Refusal(404, 40403, 'Schema not found');
    return { subject: name, id, schema: body!.schema };
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url = '' } = request;
    double.asked.push(`${method} ${url}`);
    double.authorization = request.headers.authorization;
    let status = 200;
    let said: object;
    try {
      const text = await textOf(request);
      if (double.failing !== undefined) throw new Refusal(double.failing, 50001, 'told to fail');
      said = answer(method, url, text === '' ? undefined : JSON.parse(text));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      status = error.status;
      said = { error_code: error.code, message: error.message };
    }
    response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' }).end(JSON.stringify(said));
  };
  const server = createServer((request, response) => {
    serve(request, response).catch((error: Error) => response.destroy(error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const double: RegistryDouble = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    authorization: undefined,
    failing: undefined,
    register: (subject, schema) => register(subject, JSON.stringify(schema)),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return double;
}

/** Whether readers with the new schema read what was written with the old one. */
function canRead(newer: string, older: string): boolean {
  try {
    avsc.Type.forSchema(JSON.parse(newer)).createResolver(avsc.Type.forSchema(JSON.parse(older)));
    return true;
  } catch {
    return false;
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
