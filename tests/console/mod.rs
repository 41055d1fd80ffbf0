//! The API over real HTTP against a running console: who may what, what is answered, what stands in the trail.

mod answers;
mod described;
mod documents;
mod limits;
mod scene;
mod tokens;
mod trail;
