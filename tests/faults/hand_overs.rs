//! Hand-overs.
