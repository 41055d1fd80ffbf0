//! Suite `processor`.
