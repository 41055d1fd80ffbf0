//! Suite `flows`.
