import { classNamesOf, type ErrorClass, isOfClass } from '../../common/error-class.js';
import { causesOf, nameOf } from '../dead-letters/error-story.js';

// Which errors are meant: by class, by name of a class, or by a NestdawError's code.

export type ErrorClassifier = (error: unknown) => boolean;

/** True for errors of these classes, and with `traversingCauses` for errors caused by one. */
export function errorClassifier(classes: readonly ErrorClass[], traversingCauses = false): ErrorClassifier {
  if (classes.length === 0) return () => false;
  const is = (error: unknown) =>
    classes.some((one) => (typeof one === 'string' ? isNamed(error, one) : isOfClass(error, one)));
  return traversingCauses ? (error) => causesOf(error).some(is) : is;
}

/** An error is also named by the classes that its own one extends. */
function isNamed(error: unknown, name: string): boolean {
  const short = name.slice(name.lastIndexOf('.') + 1);
  if (nameOf(error) === short) return true;
  if (typeof error !== 'object' || error === null) return false;
  if ((error as { code?: unknown }).code === name) return true;
  return classNamesOf(error).includes(short);
}
