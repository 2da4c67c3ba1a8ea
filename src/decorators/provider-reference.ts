/** A provider by its class, token or name; or the thing itself. */
export type ProviderReference<T> = T | (abstract new (...args: never[]) => T) | string | symbol;
