//! Suite `message`.
