//! Suite `ingest`.
