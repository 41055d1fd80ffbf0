//! Suite `road`.
