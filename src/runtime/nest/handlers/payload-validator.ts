import { getMetadataStorage, type ValidationError, validate, validateSync } from 'class-validator';
import { NestdawError } from '../../../common/errors.js';
import { type AnyClass } from '../metadata-accessor.js';

// class-validator behind one function: synchronous as long as no constraint is asynchronous, so that a synchronous
// handler stays so. What fails names every constraint.

/** Checks an instance; throws, or rejects with, KAFKA_VALIDATION_FAILED. `at` says which record it came from. */
export type PayloadValidator = (instance: object, at: () => string) => object | Promise<object>;

/** The validator of a class; undefined when the class declares no constraints. */
export function payloadValidator(type: AnyClass): PayloadValidator | undefined {
  const constraints = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  if (constraints.length === 0) return undefined;
  return hasAsyncConstraints() ? checkLater(type) : checkNow(type);
}

function checkNow(type: AnyClass): PayloadValidator {
  return (instance, at) => {
    const errors = validateSync(instance);
    if (errors.length > 0) throw validationFailed(type, at(), errors);
    return instance;
  };
}

function checkLater(type: AnyClass): PayloadValidator {
  return async (instance, at) => {
    const errors = await validate(instance);
    if (errors.length > 0) throw validationFailed(type, at(), errors);
    return instance;
  };
}

/** Nested classes may bring asynchronous constraints as well, so one anywhere makes all checks asynchronous. */
function hasAsyncConstraints(): boolean {
  const known = (getMetadataStorage() as unknown as { constraintMetadatas?: Map<unknown, { async: boolean }[]> })
    .constraintMetadatas;
  if (!(known instanceof Map)) return true;
  return [...known.values()].some((constraints) => constraints.some((constraint) => constraint.async));
}

function validationFailed(type: AnyClass, at: string, errors: readonly ValidationError[]): NestdawError {
  const constraints = errors.flatMap((error) => constraintsOf(error, ''));
  const message = `${type.name} from ${at} is not valid: ${constraints.join('; ')}`;
  return new NestdawError('KAFKA_VALIDATION_FAILED', message, { cause: errors });
}

function constraintsOf(error: ValidationError, path: string): string[] {
  const own = Object.values(error.constraints ?? {}).map((constraint) => path + constraint);
  const children = (error.children ?? []).flatMap((child) => constraintsOf(child, `${path}${error.property}.`));
  return [...own, ...children];
}
