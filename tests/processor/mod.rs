//! Suite `processor`.

mod gate;
mod parking;
mod waits;
