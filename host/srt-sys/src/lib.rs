//! The thirty functions of libsrt that Pointsman calls.
