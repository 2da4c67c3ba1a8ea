// What a test, or another host of the module, sets over everything else.

/**
 * Injection token of properties above all sources, the object given to `forRoot` included: a plain object of names
 * and values. The module provides an empty one; `overrideProvider` of Nest's testing module puts another in place.
 */
export const PROPERTY_OVERRIDES = 'nestdaw:property-overrides';
