//! The shape of the house, checked: who imports whom, what lives where, how long things are, what pages promise.
//!
//! Every check is a function over sources, and each has a test that plants a violation and sees it found: a check
//! that cannot fail is worse than none. It reads text and needs no compiler, so it also sees code inside macros.

mod arrows;
mod homes;
mod pages;
mod shape;
mod source;
mod words;

/// Fails with one line per violation.
fn clean(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

/// The planted violation is found, and told with the place where it stands.
fn caught(violations: &[String], place: &str) {
    assert!(violations.iter().any(|each| each.contains(place)), "{place} was not found in {violations:?}");
}
