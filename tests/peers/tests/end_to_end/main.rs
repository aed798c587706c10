//! End to end: the built program among real peers. One module for each thing that must hold.

mod bad_input;
mod browsers;
mod hevc;
mod pairs;
mod peers_of_other_makes;
mod shutdown;
