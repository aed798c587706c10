//! SplitMix64 (Steele, Lea and Flood 2014), the numbers drawn by a call with this seed.

const MASK = (1n << 64n) - 1n;

/** A function that gives the sequence, number by number. */
export function splitMix(seed) {
    let state = seed & MASK;
    return () => {
        state = (state + 0x9e3779b97f4a7c15n) & MASK;
        let mixed = state;
        mixed = ((mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
        mixed = ((mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn) & MASK;
        return mixed ^ (mixed >> 31n);
    };
}
