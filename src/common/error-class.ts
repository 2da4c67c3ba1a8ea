/** A class of errors, the name of one (of a Java class name the last part counts), or an error code of this library. */
export type ErrorClass = (abstract new (...args: never[]) => unknown) | string;
