//! The embedded queue.

/// The embedded queue.
#[derive(Clone)]
pub struct Embedded;
