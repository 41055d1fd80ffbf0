//! Suite `conformance`.
