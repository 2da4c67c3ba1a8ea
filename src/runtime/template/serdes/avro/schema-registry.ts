import { messageOf, NestdawError } from '../../../../common/errors.js';

// The registry of schemas over HTTP (Confluent's REST interface), as far as writers and readers ask it. What it has
// said is kept for good, for ids and registered schemas never change; of one question only one request is under way.

/** Where the registry is, under the names that Confluent's clients use. */
export interface SchemaRegistryOptions {
  /** Address, or several divided by commas: the next is asked where one does not answer. */
  readonly 'schema.registry.url': string;
  /** `user:password`. */
  readonly 'basic.auth.user.info'?: string | undefined;
  /** Milliseconds for an answer. Default 10,000. */
  readonly 'schema.registry.request.timeout.ms'?: number | undefined;
}

/** A schema as the registry knows it. */
export interface RegisteredSchema {
  readonly id: number;
  /** Its text. */
  readonly schema: string;
}

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';

export class SchemaRegistry {
  readonly #urls: readonly string[];
  readonly #headers: Readonly<Record<string, string>>;
  readonly #timeoutMs: number;
  readonly #asked = new Map<string, Promise<unknown>>();

  constructor(options: SchemaRegistryOptions) {
    const { 'schema.registry.url': urls, 'basic.auth.user.info': user } = options;
    this.#urls = (urls ?? '').split(',').flatMap((url) => url.trim().replace(/\/+$/, '') || []);
    const wrong = this.#urls.find((url) => !/^https?:$/.test(protocolOf(url)));
    if (wrong !== undefined || this.#urls.length === 0) {
      const problem = `schema.registry.url is ${JSON.stringify(urls)}; give an address like http://localhost:8081`;
      throw new NestdawError('KAFKA_CONFIG_INVALID', problem);
    }
    const authorization = user === undefined ? {} : { authorization: `Basic ${Buffer.from(user).toString('base64')}` };
    this.#headers = { accept: CONTENT_TYPE, 'content-type': CONTENT_TYPE, ...authorization };
    this.#timeoutMs = options['schema.registry.request.timeout.ms'] ?? 10_000;
  }

  /** The addresses, for messages. */
  get where(): string {
    return this.#urls.join(',');
  }

  /** Text of the schema with this id. Rejects with KAFKA_SCHEMA_REGISTRY_FAILED. */
  schemaOf(id: number): Promise<string> {
    return this.#once(`id ${id}`, async () => {
      const found = await this.#ask(`schema id ${id}`, `/schemas/ids/${id}`);
      return textOf(`schema id ${id}`, found);
    });
  }

  /**
   * Registers a schema under a subject, or finds it there; its id. Refused where it is incompatible with the others.
   */
  register(subject: string, schema: string): Promise<number> {
    return this.#once(`register ${subject} ${schema}`, async () => {
      const path = `/subjects/${encodeURIComponent(subject)}/versions`;
      return idOf(`subject ${subject}`, await this.#ask(`subject ${subject}`, path, { schema }));
    });
  }

  /** The id of a schema that somebody has registered under the subject. */
  find(subject: string, schema: string): Promise<number> {
    return this.#once(`find ${subject} ${schema}`, async () => {
      return idOf(
        `subject ${subject}`,
        await this.#ask(`subject ${subject}`, `/subjects/${encodeURIComponent(subject)}`, { schema }),
      );
    });
  }

  /** The newest schema of a subject: asked again every time, for it changes. */
  async latest(subject: string): Promise<RegisteredSchema> {
    const found = await this.#ask(`subject ${subject}`, `/subjects/${encodeURIComponent(subject)}/versions/latest`);
    return { id: idOf(`subject ${subject}`, found), schema: textOf(`subject ${subject}`, found) };
  }

  /** One request under way for one question; what failed is asked again. */
  #once<T>(question: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#asked.get(question) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const answer = ask();
    this.#asked.set(question, answer);
    answer.catch(() => this.#asked.delete(question));
    return answer;
  }

  async #ask(about: string, path: string, body?: object): Promise<Answer> {
    let failure: NestdawError | undefined;
    for (const url of this.#urls) {
      try {
        return await this.#askAt(url, about, path, body);
      } catch (error) {
        failure = error as NestdawError;
        if (!failure.retriable) throw failure;
      }
    }
    throw failure!;
  }

  async #askAt(url: string, about: string, path: string, body: object | undefined): Promise<Answer> {
    let status: number;
    let text: string;
    try {
      const signal = AbortSignal.timeout(this.#timeoutMs);
      const request = body === undefined ? { method: 'GET' } : { method: 'POST', body: JSON.stringify(body) };
      const response = await fetch(url + path, { ...request, headers: this.#headers, signal });
      status = response.status;
      text = await response.text();
    } catch (cause) {
      const reason = messageOf((cause as { cause?: unknown }).cause ?? cause);
      throw failed(
        `${about}: the schema registry ${url} does not answer (${reason}); start it, or set schema.registry.url`,
        true,
        cause,
      );
    }
    const answer = parsed(text);
    if (status >= 200 && status < 300 && answer !== undefined) return answer;
    const said = answer?.message ?? text.slice(0, 200);
    const message = `${about}: the schema registry ${url} says ${status} ${said}${adviceFor(status, about)}`;
    throw failed(message, status >= 500 || status === 429 || status === 408);
  }
}

/** What is used of the registry's answers. */
interface Answer {
  readonly id?: number;
  readonly schema?: string;
  readonly schemaType?: string;
  readonly references?: readonly unknown[];
  readonly message?: string;
}

function failed(message: string, retriable: boolean, cause?: unknown): NestdawError {
  return new NestdawError('KAFKA_SCHEMA_REGISTRY_FAILED', message, { retriable, cause });
}

function adviceFor(status: number, about: string): string {
  if (status === 409) return `; give new fields a default, or change the compatibility of the ${about}`;
  if (status === 401 || status === 403) return '; set basic.auth.user.info to user:password';
  if (status === 404 && about.startsWith('subject')) {
    return '; register the schema, or let it be registered: auto.register.schemas=true';
  }
  if (status === 404) return '; the record was written with the schema of another registry: check schema.registry.url';
  return '';
}

function idOf(about: string, { id }: Answer): number {
  if (typeof id === 'number') return id;
  throw failed(
    `${about}: the answer has no schema id; is schema.registry.url the address of a schema registry?`,
    false,
  );
}

/** The schema of an answer, where it is one of Avro that stands for itself. */
function textOf(about: string, { schema, schemaType, references }: Answer): string {
  const isAvro = schemaType === undefined || schemaType === 'AVRO';
  const isWhole = references === undefined || references.length === 0;
  if (typeof schema === 'string' && isAvro && isWhole) return schema;
  const problem = isAvro
    ? 'has references to other schemas; register it with their types in it'
    : `is ${schemaType}, not AVRO`;
  throw failed(`${about}: the schema ${problem}`, false);
}

function parsed(text: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Answer) : undefined;
  } catch {
    return undefined;
  }
}

function protocolOf(url: string): string {
  try {
    return new URL(url).protocol;
  } catch {
    return '';
  }
}
