import { type OffsetMetadataFunction } from '../../../common/offset-metadata.js';
import { type ListenerBudget } from '../../../decorators/container-options.js';
import { type BatchOptions, type KafkaListenerOptions } from '../../../decorators/listener-options.js';
import { type ProviderReference } from '../../../decorators/provider-reference.js';
import { parseBoolean, parseChoice } from '../../config/formats.js';
import { type ContainerSettings } from '../../listener/container-settings.js';
import { type BatchMinimum } from '../../listener/delivery/batch-gathering.js';
import { type ErrorHandler } from '../../listener/failures/error-handler.js';
import { type OptionReader } from '../option-reader.js';
import { type ProviderLookup } from '../provider-lookup.js';

// What a listener, or its container factory, says about how its container runs.

const SLOW_HANDLERS = ['abort', 'leave', 'warn'] as const;
const OVERFLOWS = ['pause', 'block', 'caller-runs', 'reject'] as const;

export function containerSettingsOf(
  read: OptionReader,
  options: KafkaListenerOptions,
  { batch, workers }: { readonly batch: boolean; readonly workers: number | undefined },
  lookup: ProviderLookup,
): Partial<ContainerSettings> {
  const { mistakes, where: origin } = read;
  const choice = <T extends string>(option: string, given: string | undefined, allowed: readonly T[]) =>
    read.parsed<T>(option, given as T | undefined, (text) => parseChoice(text, allowed), allowed.join(', '));
  const errors = {
    origin,
    option: 'commonErrorHandler',
    allowed: 'what defaultErrorHandler() and its like give, or a provider with handle(failure)',
  };
  const errorHandler = lookup.functionOf(options.commonErrorHandler, 'handle', errors, mistakes);
  const texts = { origin, option: 'offsetAndMetadataProvider', allowed: 'a function, or a provider with provide' };
  const offsetMetadata = lookup.functionOf(options.offsetAndMetadataProvider, 'provide', texts, mistakes);
  const interceptors = providers(options.interceptors, 'interceptors', read, lookup);
  const slowHandler = choice('slowHandler', options.slowHandler, SLOW_HANDLERS);
  const flag = 'true or false';
  const pauseImmediate = read.parsed<boolean>('pauseImmediate', options.pauseImmediate, parseBoolean, flag);
  const gather = typeof options.batch === 'object' ? gatherOf(read, options.batch) : undefined;
  const overflow = choice('overflow', options.overflow, OVERFLOWS) ?? (workers === undefined ? 'pause' : undefined);
  return {
    ...(slowHandler === undefined ? {} : { slowHandler }),
    // The configured one is for pools only.
    ...(overflow === undefined ? {} : { overflow }),
    ...(pauseImmediate === undefined ? {} : { pauseImmediate }),
    ...(gather === undefined ? {} : { gather }),
    ...budgetOf(read, options.budget),
    ...(options.rate === undefined ? {} : { rate: options.rate }),
    ...(errorHandler === undefined ? {} : { errorHandler: errorHandler as ErrorHandler }),
    ...(offsetMetadata === undefined ? {} : { offsetMetadata: offsetMetadata as OffsetMetadataFunction }),
    ...(batch ? { batchInterceptors: interceptors } : { recordInterceptors: interceptors }),
    retryListeners: providers(options.retryListeners, 'retryListeners', read, lookup),
  };
}

/** `batch: { min, wait }`. */
function gatherOf(read: OptionReader, { min, wait }: BatchOptions): BatchMinimum {
  return { records: read.whole('batch.min', min, 1_000_000) ?? 1, waitMs: read.duration('batch.wait', wait) ?? 1 };
}

/** `budget: { records, bytes, uncommitted, memory }`. */
function budgetOf(read: OptionReader, budget: ListenerBudget = {}): Partial<ContainerSettings> {
  const given = {
    budgetRecords: read.whole('budget.records', budget.records, 10_000_000),
    budgetBytes: read.dataSize('budget.bytes', budget.bytes),
    budgetUncommitted: read.whole('budget.uncommitted', budget.uncommitted, 10_000_000),
    budgetMemory: read.dataSize('budget.memory', budget.memory),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function providers(
  references: ReadonlyArray<ProviderReference<object>> | undefined,
  option: string,
  { where: origin, mistakes }: OptionReader,
  lookup: ProviderLookup,
): object[] {
  const wanted = { origin, option, allowed: 'objects, or providers by class or token' };
  return (references ?? []).flatMap((one) => (lookup.find(one, wanted, mistakes) as object | undefined) ?? []);
}
