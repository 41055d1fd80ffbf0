//! Words that must not stand anywhere: notes to oneself instead of work, and paths of somebody's machine.

use super::source::{Source, sources};
use super::{caught, clean};

/// Put together here, so that this file does not find itself.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("TO", "DO"), "do it, or write an issue"),
    (concat!("FIX", "ME"), "mend it, or write an issue"),
    (concat!("/ro", "ot/"), "a path of somebody's machine"),
    (concat!("/ho", "me/"), "a path of somebody's machine"),
    (concat!("/wo", "rk/"), "a path of somebody's machine"),
    (concat!("/Us", "ers/"), "a path of somebody's machine"),
];

const FOLDERS: &[&str] = &["src", "tests", "proto", "config", "docs", "deploy", "scripts", ".ci"];

fn forbidden(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for source in sources {
        for (word, why) in FORBIDDEN {
            for (offset, _) in source.text.match_indices(word) {
                violations.push(format!("{}: {word}: {why}", source.place(offset)));
            }
        }
    }
    violations
}

fn everything() -> Vec<Source> {
    let mut all: Vec<Source> = FOLDERS.iter().flat_map(|folder| sources(folder, &[""])).collect();
    for entry in std::fs::read_dir(".").unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_str().unwrap().trim_start_matches("./").to_owned();
        if path.is_file() && !["Cargo.lock", ".git"].contains(&&*name) {
            all.push(Source::new(&name, &String::from_utf8_lossy(&std::fs::read(&path).unwrap())));
        }
    }
    all
}

/// Every file of `src` opens with what it is for.
fn silent(sources: &[Source]) -> Vec<String> {
    let opens = |source: &Source| source.text.starts_with("//! ");
    sources.iter().filter(|source| !opens(source)).map(|source| format!("{}: no opening words", source.path)).collect()
}

#[test]
fn nothing_forbidden_is_said_anywhere() {
    clean(&forbidden(&everything()));
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    clean(&silent(&sources("src", &[".rs"])));
    clean(&silent(&sources("tests", &[".rs"])));
}

#[test]
fn a_forbidden_word_is_found() {
    let planted = |text: &str| forbidden(&[Source::new("docs/a.md", text)]);
    for (word, _) in FORBIDDEN {
        caught(&planted(&format!("\n// {word}")), "docs/a.md:2");
    }
    caught(&silent(&[Source::new("src/a.rs", "fn a() {}")]), "src/a.rs");
}
