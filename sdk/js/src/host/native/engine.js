//! Node needs to be told nothing.

export const u32Bits = (value) => value;
