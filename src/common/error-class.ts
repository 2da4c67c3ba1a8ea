// Classes of errors, by themselves or by name. An error that was thrown in another thread has lost its class on the way
// (classes do not cross), but not the names.

/** A class of errors, the name of one (of a Java class name the last part counts), or an error code of this library. */
export type ErrorClass = (abstract new (...args: never[]) => unknown) | string;

const CLASSES = Symbol.for('nestdaw:error-classes');

/** Names of an error's class and of those that it extends, its own first. */
export function classNamesOf(error: object): readonly string[] {
  const crossed = (error as { [CLASSES]?: readonly string[] })[CLASSES];
  if (crossed !== undefined) return crossed;
  const names: string[] = [];
  for (let type = Object.getPrototypeOf(error) as object | null; type !== null; type = Object.getPrototypeOf(type)) {
    names.push(type.constructor.name);
  }
  return names;
}

/** Whether an error is of a class, or was one of that name in the thread that it comes from. */
export function isOfClass(error: unknown, type: abstract new (...args: never[]) => unknown): boolean {
  if (error instanceof type) return true;
  if (typeof error !== 'object' || error === null) return false;
  return (error as { [CLASSES]?: readonly string[] })[CLASSES]?.includes(type.name) ?? false;
}

/** Notes on an error that comes from another thread what it was there. */
export function noteClasses(error: object, names: readonly string[]): void {
  Object.defineProperty(error, CLASSES, { value: names, configurable: true });
}
