//! What the engine that runs policies needs to be told.

/** From 2^31 on the engine takes the bits of a `u32` only from the negative number that has the same. */
export const u32Bits = (value) => value | 0;
