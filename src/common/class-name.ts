// How objects of users are named in messages.

/** The name of the class of an object. */
export function classNameOf(object: object): string {
  const name = object.constructor?.name as string | undefined;
  return name === undefined || name === '' || name === 'Object' ? 'without a class' : name;
}
