/**
 * The method that a decorator stands on. Throws TypeError, with class and name, for what is none: a property (an arrow
 * function too), an accessor, a static method.
 */
export function methodUnder(
  decorator: string,
  target: object,
  name: string | symbol,
  descriptor: PropertyDescriptor | undefined,
): object {
  const isStatic = typeof target === 'function';
  const where = `${isStatic ? (target as { name: string }).name : target.constructor.name}.${String(name)}`;
  if (isStatic) throw new TypeError(`@${decorator}() stands on ${where}, a static method: it needs one of instances`);
  const method: unknown = descriptor?.value;
  if (typeof method === 'function') return method;
  throw new TypeError(
    `@${decorator}() stands on ${where}, which is no method: a property or an accessor cannot listen`,
  );
}
