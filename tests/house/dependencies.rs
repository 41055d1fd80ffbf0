//! What we depend on: its licences, where it comes from, what is banned, and that each direct one has its reason
//! written down. The rules stand in `deny.toml`, for cargo-deny and for this file alike.

use std::collections::BTreeSet;
use std::process::Command;

use figment::Figment;
use figment::providers::{Format as _, Toml};
use serde::Deserialize;

/// More direct dependencies than this need a talk first.
const DIRECT_MAX: usize = 35;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
}

#[derive(Clone, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
    dependencies: Vec<Dependency>,
}

#[derive(Clone, Deserialize)]
struct Dependency {
    name: String,
    req: String,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Rules {
    advisories: Advisories,
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Advisories {
    ignore: Vec<Known>,
}

#[derive(Deserialize)]
struct Known {
    id: String,
    reason: String,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Banned>,
}

#[derive(Deserialize)]
struct Banned {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

fn rules() -> Rules {
    Figment::from(Toml::file_exact("deny.toml")).extract().expect("deny.toml has the shape that is described here")
}

/// What is compiled on this machine. Offline: whoever runs this test has the packages already.
fn metadata() -> Metadata {
    let host = Command::new("rustc").arg("-vV").output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn ours(metadata: &Metadata) -> &Package {
    metadata.packages.iter().find(|package| metadata.workspace_members.contains(&package.id)).unwrap()
}

/// The names of what we ourselves depend on, without what only tests and the build use.
fn direct(package: &Package) -> BTreeSet<String> {
    package.dependencies.iter().filter(|each| each.kind.is_none()).map(|each| each.name.clone()).collect()
}

#[test]
fn every_licence_is_one_that_we_accept() {
    let rules = rules();
    let problems = licence_problems(&metadata().packages, &rules.licenses.allow);
    assert!(problems.is_empty(), "deny.toml does not allow these licences:\n{}", problems.join("\n"));
}

#[test]
fn nothing_banned_is_compiled_in() {
    let problems = banned(&metadata().packages, &rules().bans.deny);
    assert!(problems.is_empty(), "deny.toml bans these crates:\n{}", problems.join("\n"));
}

#[test]
fn everything_comes_from_the_registry() {
    let metadata = metadata();
    let problems = foreign(&metadata.packages, &ours(&metadata).id, &rules().sources.allow_registry);
    assert!(problems.is_empty(), "deny.toml does not allow these sources:\n{}", problems.join("\n"));
}

#[test]
fn direct_dependencies_are_few_and_each_has_its_reason() {
    let metadata = metadata();
    let ours = ours(&metadata);
    let direct = direct(ours);
    assert!(direct.len() <= DIRECT_MAX, "{} direct dependencies; the limit is {DIRECT_MAX}", direct.len());
    let every = ours.dependencies.iter().map(|each| each.name.clone()).collect();
    let page = std::fs::read_to_string("docs/decisions/dependencies.md").unwrap();
    let problems = reasons(&every, &page);
    assert!(problems.is_empty(), "docs/decisions/dependencies.md and Cargo.toml differ:\n{}", problems.join("\n"));
    let stars: Vec<&str> = ours.dependencies.iter().filter(|each| each.req == "*").map(|each| &*each.name).collect();
    assert!(stars.is_empty(), "without a version: {stars:?}");
}

#[test]
fn known_advisories_say_why_they_are_accepted() {
    let known = rules().advisories.ignore;
    for each in &known {
        assert!(each.reason.len() > 20, "{} needs a reason that tells something", each.id);
    }
    // Both are about backoff: the day it goes, they go.
    let backoff = metadata().packages.iter().any(|package| package.name == "backoff");
    assert_eq!(backoff, !known.is_empty(), "the accepted advisories are those of backoff, and only those");
}

#[test]
fn the_checks_can_fail() {
    let package = |name: &str, license: Option<&str>, source: Option<&str>| Package {
        id: name.to_owned(),
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        license: license.map(str::to_owned),
        source: source.map(str::to_owned),
        dependencies: Vec::new(),
    };
    let allow: BTreeSet<String> = ["MIT", "Apache-2.0"].map(str::to_owned).into();
    let registry = Some("registry+https://github.com/rust-lang/crates.io-index");
    for (license, fine) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("(MIT OR GPL-3.0) AND Apache-2.0", true),
        ("(MIT OR GPL-3.0) AND (GPL-2.0 OR LGPL-2.1)", false),
        ("Apache-2.0 WITH LLVM-exception", false),
    ] {
        let problems = licence_problems(&[package("a", Some(license), registry)], &allow);
        assert_eq!(problems.is_empty(), fine, "{license}");
    }
    assert_eq!(licence_problems(&[package("a", None, registry)], &allow).len(), 1);
    let openssl = package("openssl", Some("MIT"), registry);
    let ban = Banned { name: "openssl".to_owned(), reason: "one TLS provider".to_owned() };
    assert_eq!(banned(&[openssl], &[ban]).len(), 1);
    let git = package("a", Some("MIT"), Some("git+https://example.org/a"));
    let registries = ["https://github.com/rust-lang/crates.io-index".to_owned()];
    assert_eq!(foreign(&[git, package("b", Some("MIT"), None)], "ours", &registries).len(), 2);
    let names: BTreeSet<String> = ["tokio", "serde"].map(str::to_owned).into();
    assert_eq!(reasons(&names, "| `tokio` | runtime | smol |\n| `left-pad` | pads | none |\n").len(), 2);
}

fn licence_problems(packages: &[Package], allow: &BTreeSet<String>) -> Vec<String> {
    let refused = packages.iter().filter(|package| {
        let expression = package.license.as_deref().unwrap_or("none").replace('/', " OR ");
        !accepted(&expression, allow)
    });
    refused.map(|package| format!("{} {}: {:?}", package.name, package.version, package.license)).collect()
}

/// Reads an SPDX expression: AND binds stronger than OR, parentheses stronger than both.
fn accepted(expression: &str, allow: &BTreeSet<String>) -> bool {
    let parts = |word: &str| split_outside(expression, word);
    if let [_, _, ..] = parts(" OR ")[..] {
        return parts(" OR ").iter().any(|part| accepted(part, allow));
    }
    if let [_, _, ..] = parts(" AND ")[..] {
        return parts(" AND ").iter().all(|part| accepted(part, allow));
    }
    let trimmed = expression.trim();
    match trimmed.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => accepted(inner, allow),
        None => allow.contains(trimmed),
    }
}

/// Splits at a word that stands outside of all parentheses.
fn split_outside(text: &str, word: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        if depth == 0 && rest.starts_with(word) {
            parts.push(String::new());
            rest = &rest[word.len()..];
        } else {
            parts.last_mut().unwrap().push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    parts
}

fn banned(packages: &[Package], rules: &[Banned]) -> Vec<String> {
    let rule = |package: &Package| rules.iter().find(|rule| rule.name == package.name);
    packages
        .iter()
        .filter_map(|package| rule(package).map(|rule| format!("{}: {}", package.name, rule.reason)))
        .collect()
}

fn foreign(packages: &[Package], ours: &str, registries: &[String]) -> Vec<String> {
    let allowed = |source: &str| registries.iter().any(|registry| source == format!("registry+{registry}"));
    let others = packages.iter().filter(|package| package.id != ours);
    let foreign = others.filter(|package| !package.source.as_deref().is_some_and(allowed));
    foreign.map(|package| format!("{} from {:?}", package.name, package.source)).collect()
}

/// A row of the page is: name, what for, what else was looked at.
fn reasons(direct: &BTreeSet<String>, page: &str) -> Vec<String> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|line| line.split_once("` |"));
    let told: BTreeSet<String> = rows
        .filter(|(_, rest)| rest.split('|').filter(|cell| !cell.trim().is_empty()).count() >= 2)
        .map(|(name, _)| name.to_owned())
        .collect();
    let missing = direct.difference(&told).map(|name| format!("{name}: no row with what for and what else"));
    missing.chain(told.difference(direct).map(|name| format!("{name}: a row, but no dependency"))).collect()
}
