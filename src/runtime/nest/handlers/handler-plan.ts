import { type Mistake } from '../../config/mistakes.js';
import { type Deserializer } from '../../template/serdes/serde.js';
import { type MethodParameters, type ParameterEntry, type ParameterMetadata } from '../metadata-accessor.js';
import { type ArgumentResolver, argumentResolver } from './argument-resolver.js';
import {
  type PayloadConverter,
  type PayloadDecoding,
  payloadClassOf,
  payloadConverter,
  type ValueFormat,
} from './payload-converter.js';
import { parameterMistake, payloadMistake, type WantedParameter } from './signature-check.js';

// What a listener method asks for, worked out once at start: a resolver per parameter, the conversion of the payload,
// and the same in the words of Nest's external context, for methods with pipes, guards and the like.

/** First of the kinds under which Nest's external context asks for parameters that are ours; plus the index. */
const OWN_KIND = 9_200;
const PAYLOAD_KIND = 3;

/** For parameters that are not the payload. */
const NO_CONVERSION: PayloadConverter = { hasProperties: false, decode: () => undefined, shape: (decoded) => decoded };

export interface HandlerPlan {
  /** Resolvers by parameter index; no hole unless a parameter is Nest's own custom one. */
  readonly resolvers: readonly (ArgumentResolver | undefined)[];
  /** Undefined when no parameter is the payload: then nothing is decoded. */
  readonly converter: PayloadConverter | undefined;
  /** The class that payloads are turned into, if any. */
  readonly payloadClass: unknown;
  /** Pipes on parameters, or custom parameter decorators. */
  readonly needsNest: boolean;
  /** Parameter metadata for Nest's external context. */
  readonly nestEntries: Readonly<Record<string, ParameterEntry>>;
  /** Value of a parameter for Nest's external context, by the kinds in `nestEntries`. */
  readonly valueFor: (kind: number, data: unknown, args: readonly unknown[]) => unknown;
}

export interface HandlerQuestion {
  /** `OrderListener.handle`, for messages. */
  readonly where: string;
  readonly parameters: MethodParameters;
  readonly batch: boolean;
  readonly manualAck: boolean;
  readonly ackMode: string;
  /** Whether the handler runs in a SQL transaction. */
  readonly hasSql: boolean;
  /** Class given to the decorator, over what the compiler tells. */
  readonly payloadClass: unknown;
  readonly valueFormat: ValueFormat;
  readonly keysAsBytes: boolean;
  /** How values and keys are read, where the configuration, the listener or the records say. */
  readonly decoding?: Omit<PayloadDecoding, 'format'>;
  readonly keyDeserializer?: Deserializer | undefined;
}

/** Adds to `mistakes` what is impossible; the plan is then not to be used. */
export function handlerPlan(question: HandlerQuestion, mistakes: Mistake[]): HandlerPlan {
  const { parameters, batch } = question;
  const customs = parameters.decorated.filter(({ kind }) => kind === 'custom');
  const wanted = wantedParameters(question, mistakes);
  const payloads = wanted.filter(({ kind }) => kind === 'payload');
  const hasPayload = payloads.length > 0 || wanted.some(({ kind }) => kind === 'message');
  const converter = !hasPayload ? undefined : converterOf(question, payloads, mistakes);
  const resolvers = Array.from<ArgumentResolver | undefined>({ length: parameters.count });
  for (const { index, kind, data, metatype, entry } of wanted) {
    const { keysAsBytes, keyDeserializer } = question;
    resolvers[index] = argumentResolver({
      kind,
      data,
      metatype,
      options: entry.options ?? {},
      batch,
      keysAsBytes,
      keyDeserializer,
      converter: converter ?? NO_CONVERSION,
    });
  }
  return {
    resolvers,
    converter,
    payloadClass: payloadClassOf(
      question.payloadClass ?? payloads.find(({ data }) => typeof data !== 'string')?.metatype,
    ),
    needsNest: customs.length > 0 || wanted.some(({ hasPipes }) => hasPipes),
    nestEntries: nestEntries(wanted, customs),
    valueFor: nestValues(resolvers, payloads),
  };
}

/** One conversion serves all parameters: the type of the whole payload decides, where a parameter takes it whole. */
function converterOf(
  { where, batch, payloadClass, valueFormat, decoding }: HandlerQuestion,
  payloads: readonly WantedParameter[],
  mistakes: Mistake[],
): PayloadConverter {
  const whole = payloads.find(({ data }) => typeof data !== 'string');
  const declared = batch ? undefined : whole?.metatype;
  const converter = payloadConverter(payloadClass ?? declared, {
    ...decoding,
    format: whole || payloads.length === 0 ? valueFormat : 'json',
  });
  const part = payloads.find(({ data }) => typeof data === 'string');
  if (part && !converter.hasProperties) {
    const problem = `parameter ${part.index + 1} takes ${String(part.data)} of a payload that is text or bytes; declare the payload as an object`;
    mistakes.push({ origin: where, problem });
  }
  return converter;
}

/** The decorated parameters that are ours, and the payload where its decorator was left out. */
function wantedParameters(question: HandlerQuestion, mistakes: Mistake[]): WantedParameter[] {
  const { where, parameters } = question;
  const wanted: WantedParameter[] = [];
  const report = (index: number, problem: string) =>
    mistakes.push({ origin: where, problem: `parameter ${index + 1} ${problem}` });
  // The compiler leaves the last one first.
  for (const parameter of [...parameters.decorated].sort((a, b) => a.index - b.index)) {
    const { kind, index, data } = parameter;
    if (kind === 'custom') continue;
    if (kind === 'foreign' || (kind === 'context' && typeof data === 'string')) {
      report(index, 'has a decorator of HTTP routes; import the decorators of listeners from nestdaw');
      continue;
    }
    if (kind === 'acknowledgment' && !question.manualAck) {
      report(index, `is @Ack(), but the ack mode is ${question.ackMode}; set ackMode: 'MANUAL' or 'MANUAL_IMMEDIATE'`);
    }
    if (kind === 'sql' && !question.hasSql) {
      report(
        index,
        'is @Sql(), but neither message ids nor offsets are kept in SQL; give @Idempotent a SQL client as its store',
      );
    }
    wanted.push({ ...parameter, kind });
  }
  const taken = new Set(parameters.decorated.map(({ index }) => index));
  for (let index = 0; index < parameters.count; index++) {
    if (taken.has(index)) continue;
    if (wanted.some(({ kind }) => kind === 'payload')) {
      report(
        index,
        'has no decorator; say what it is: @Payload(), @Key(), @Header(name), @Headers(), @Ack(), @Record(), @Consumer()',
      );
      continue;
    }
    const entry = { index, data: undefined, pipes: [] };
    const metatype = parameters.types[index];
    wanted.push({ index, kind: 'payload', data: undefined, hasPipes: false, entry, metatype });
  }
  const signature = { batch: question.batch, hasKeyDeserializer: question.keyDeserializer !== undefined };
  for (const parameter of wanted) {
    const problem = parameterMistake(parameter, signature);
    if (problem !== undefined) report(parameter.index, problem);
  }
  const twice = payloadMistake(wanted);
  if (twice !== undefined) report(twice.index, twice.problem);
  return wanted;
}

function nestEntries(
  wanted: readonly WantedParameter[],
  customs: readonly ParameterMetadata[],
): Record<string, ParameterEntry> {
  const entries: Record<string, ParameterEntry> = {};
  for (const { kind, index, entry } of wanted) {
    const number = kind === 'payload' ? PAYLOAD_KIND : OWN_KIND + index;
    entries[`${number}:${index}`] = entry;
  }
  for (const { key, entry } of customs) entries[key] = entry;
  return entries;
}

/** Nest asks by kind and data and leaves out the index, so payloads are told apart by the property they take. */
function nestValues(resolvers: readonly (ArgumentResolver | undefined)[], payloads: readonly WantedParameter[]) {
  const byProperty = new Map(payloads.map(({ data, index }) => [data, resolvers[index]!]));
  return (kind: number, data: unknown, args: readonly unknown[]): unknown => {
    const resolve = kind === PAYLOAD_KIND ? byProperty.get(data) : resolvers[kind - OWN_KIND];
    return resolve?.(args[0], args[1] as Parameters<ArgumentResolver>[1]);
  };
}
