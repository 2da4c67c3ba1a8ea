import { type ParameterKind } from '../../../decorators/metadata-keys.js';
import { ConsumerRecords } from '../../listener/consumer-records.js';
import { type ParameterMetadata } from '../metadata-accessor.js';
import { isOfCall, isOffered } from './argument-resolver.js';
import { isReadable } from './header-reader.js';

// Parameters whose declared type can never hold what their decorator gives. What the compiler tells nothing about
// (interfaces, unions) is not judged, nor what a pipe makes something else of.

/** A parameter with its decorator, or the payload that has none. */
export type WantedParameter = Omit<ParameterMetadata, 'kind' | 'key'> & { readonly kind: ParameterKind };

interface Signature {
  readonly batch: boolean;
  /** Keys may be anything. */
  readonly hasKeyDeserializer: boolean;
}

const PRIMITIVES: ReadonlySet<unknown> = new Set([String, Number, Boolean, BigInt, Symbol]);
/** Each record has its own; a batch gives an array of them. */
const OF_RECORDS: ReadonlySet<ParameterKind> = new Set(['payload', 'key', 'header', 'headers', 'record', 'message']);
/** Never a value that a primitive could be. */
const OBJECTS: ReadonlyMap<ParameterKind, string> = new Map([
  ['acknowledgment', 'an Acknowledgment'],
  ['consumer', 'a ListenerConsumer'],
  ['context', 'a KafkaListenerContext'],
  ['headers', 'an object'],
  ['message', 'a KafkaMessage'],
  ['record', 'a KafkaRecord'],
  ['signal', 'an AbortSignal'],
  ['sql', 'a SqlTransaction'],
]);

/** What is impossible about the parameter; undefined when nothing is. */
export function parameterMistake(
  parameter: WantedParameter,
  { batch, hasKeyDeserializer }: Signature,
): string | undefined {
  const { kind, data, metatype, hasPipes } = parameter;
  if (kind === 'header' && (typeof data !== 'string' || data === '')) return 'is @Header() without a name; give it one';
  if (metatype === undefined || metatype === Object || hasPipes) return undefined;
  const declared = `is declared as ${(metatype as { readonly name: string }).name}`;
  const isArray = metatype === Array || metatype === ConsumerRecords;
  const isOfRecords = OF_RECORDS.has(kind) && !(kind === 'header' && isOfCall(String(data)));
  if (batch && isOfRecords) {
    if (metatype === Array || (kind === 'record' && metatype === ConsumerRecords)) return undefined;
    return `${declared}, but the listener gets batches: declare an array, one element for each record`;
  }
  if (isArray && (kind === 'record' || kind === 'key' || kind === 'headers' || kind === 'message')) {
    return `${declared}, but the listener gets one record at a time: set batch: true, or declare a single one`;
  }
  const object = OBJECTS.get(kind);
  if (object !== undefined) return PRIMITIVES.has(metatype) ? `${declared}, but gets ${object}` : undefined;
  const isRead = (kind === 'key' && !hasKeyDeserializer) || (kind === 'header' && !isOffered(String(data)) && !isArray);
  if (!isRead || isReadable(metatype)) return undefined;
  return `${declared}; a ${kind} is read as string, Buffer, number, boolean, bigint or Date: declare one of these, or give it a pipe`;
}

/** Several parameters that take the whole payload, as different things: one conversion serves them all. */
export function payloadMistake(parameters: readonly WantedParameter[]): { index: number; problem: string } | undefined {
  const whole = parameters.filter(
    ({ kind, data, metatype }) =>
      kind === 'payload' && typeof data !== 'string' && metatype !== undefined && metatype !== Object,
  );
  const other = whole.find(({ metatype }) => metatype !== whole[0]!.metatype);
  if (other === undefined) return undefined;
  const [first, second] = [whole[0]!, other].map(({ metatype }) => (metatype as { name: string }).name);
  return {
    index: other.index,
    problem: `takes the payload as ${second}, parameter ${whole[0]!.index + 1} as ${first}; take @Record() for one of them`,
  };
}
