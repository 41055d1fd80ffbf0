//! The image and the composition.
