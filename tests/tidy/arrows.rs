//! Who may import whom: only downwards, never sideways. The table of rungs is the one in `docs/architecture.md`.

use std::collections::BTreeMap;

use super::source::{Source, production};
use super::{caught, clean};

/// What is forbidden although it lies below, or allowed alone.
const FLOWS_NEVER_SEE: [&str; 2] = ["transport", "store"];
const SANDBOX_SEES: [&str; 2] = ["message", "clock"];

type Rungs = BTreeMap<String, u8>;

/// Reads `| 3 | `transport` · `store` · `gateways` |` rows.
fn rungs(page: &str) -> Rungs {
    let mut rungs = Rungs::new();
    for line in page.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", rung, modules, ..] = cells[..] else { continue };
        let Ok(rung) = rung.parse() else { continue };
        for module in modules.split('`').skip(1).step_by(2) {
            assert!(rungs.insert(module.to_owned(), rung).is_none(), "{module} stands twice in the table of rungs");
        }
    }
    rungs
}

fn our_rungs() -> Rungs {
    let rungs = rungs(&std::fs::read_to_string("docs/architecture.md").unwrap());
    assert!(rungs.len() >= 14, "the table of rungs in docs/architecture.md is not read whole: {rungs:?}");
    rungs
}

/// The top-level modules that a file speaks of, with where.
fn spoken(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for root in ["crate", "drayline"] {
        for offset in source.words(root) {
            let Some(rest) = source.code[offset + root.len()..].strip_prefix("::") else { continue };
            match rest.strip_prefix('{') {
                Some(group) => found.extend(heads(group).into_iter().map(|name| (offset, name))),
                None => found.push((offset, name(rest))),
            }
        }
    }
    found
}

/// The first name of every member of a group: `a::b, c::{d, e}}` are a and c.
fn heads(group: &str) -> Vec<String> {
    let (mut depth, mut heads, mut fresh) = (0, Vec::new(), true);
    for (offset, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            _ if letter.is_whitespace() || depth > 0 => {}
            _ if fresh => {
                heads.push(name(&group[offset..]));
                fresh = false;
            }
            _ => {}
        }
    }
    heads
}

fn name(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

fn wrong_arrows(sources: &[Source], rungs: &Rungs) -> Vec<String> {
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| source.path != "src/lib.rs") {
        let from = source.module();
        let Some(own) = rungs.get(from) else {
            violations.push(format!("{}: {from} is missing from the table of rungs", source.path));
            continue;
        };
        for (offset, to) in spoken(source).into_iter().filter(|(_, to)| to != from && rungs.contains_key(to)) {
            // The program is a crate of its own whose one act is to call the commands.
            let downwards = rungs[&to] < *own || (from == "main" && to == "cli");
            let seen = match from {
                "flows" => !FLOWS_NEVER_SEE.contains(&&*to),
                "sandbox" => SANDBOX_SEES.contains(&&*to),
                _ => true,
            };
            if !downwards || !seen {
                violations.push(format!("{}: {from} must not import {to}", source.place(offset)));
            }
        }
        if source.is_top() && source.path != "src/main.rs" {
            let production = source.code.find("#[cfg(test)]").unwrap_or(source.code.len());
            for (offset, _) in source.code[..production].match_indices("super::") {
                violations.push(format!("{}: say crate:: for what lies outside of {from}", source.place(offset)));
            }
        }
    }
    violations
}

fn wrong_doors(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    let mut forbid = |source: &Source, text: &str, why: &str| {
        for (offset, _) in source.code.match_indices(text) {
            violations.push(format!("{}: {why}", source.place(offset)));
        }
    };
    for source in sources {
        forbid(source, "super::super", "super::super climbs over a door");
        forbid(source, "pub use crate::", "a station must not hand out another station's names");
        if source.path != "src/lib.rs" {
            forbid(source, "pub mod ", "a folder's files are private to it; mod.rs names what is public");
            forbid(source, "pub(crate) mod ", "a folder's files are private to it; mod.rs names what is public");
        }
    }
    for source in sources {
        for (offset, _) in source.code.match_indices("pub use ") {
            let statement = source.code[offset..].split(';').next().unwrap();
            if statement.contains('*') {
                violations.push(format!("{}: a glob hides which names are public", source.place(offset)));
            }
        }
    }
    violations
}

/// `lib.rs` lists the modules as the table does, from the ground up: that is the order of the road, too.
fn wrong_order(lib: &Source, rungs: &Rungs) -> Vec<String> {
    let listed = lib.code.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let mut last = (0, "");
    let mut violations = Vec::new();
    for module in listed {
        let Some(rung) = rungs.get(module).copied() else {
            violations.push(format!("src/lib.rs: {module} is missing from the table of rungs"));
            continue;
        };
        if rung < last.0 {
            violations.push(format!("src/lib.rs: {module} (rung {rung}) stands behind {} (rung {})", last.1, last.0));
        }
        last = (rung, module);
    }
    violations
}

#[test]
fn imports_go_downwards_only() {
    clean(&wrong_arrows(&production(), &our_rungs()));
}

#[test]
fn folders_are_entered_by_their_doors() {
    clean(&wrong_doors(&production()));
}

#[test]
fn lib_lists_the_modules_from_the_ground_up() {
    let lib = production().into_iter().find(|source| source.path == "src/lib.rs").unwrap();
    clean(&wrong_order(&lib, &our_rungs()));
}

#[test]
fn a_wrong_arrow_is_found() {
    let rungs = our_rungs();
    let planted = |path: &str, text: &str| wrong_arrows(&[Source::new(path, text)], &rungs);
    caught(&planted("src/store/sqlite.rs", "use crate::transport::Transport;"), "src/store/sqlite.rs:1");
    caught(&planted("src/store/mod.rs", "\nfn f() { crate::processor::start(); }"), "src/store/mod.rs:2");
    caught(
        &planted("src/transport/a.rs", "use crate::{clock::Clock, store::{Row, Store}};"),
        "transport must not import store",
    );
    caught(&planted("src/flows/act.rs", "use crate::store::Store;"), "flows must not import store");
    caught(&planted("src/sandbox/mod.rs", "use crate::config::Config;"), "sandbox must not import config");
    caught(&planted("src/store/mod.rs", "use super::gateways::Gateways;"), "say crate::");
    caught(&planted("src/drawer/mod.rs", ""), "drawer is missing");
    caught(&planted("src/message/wire.rs", "use drayline::store::Store;"), "message must not import store");
    clean(&planted("src/processor/a.rs", "use crate::store::{Row}; // crate::cli::run\nuse crate::processor::b;"));
    clean(&planted("src/main.rs", "fn main() { drayline::cli::run() }"));
}

#[test]
fn a_wrong_door_is_found() {
    let planted = |text: &str| wrong_doors(&[Source::new("src/store/mod.rs", text)]);
    caught(&planted("use super::super::x;"), "climbs");
    caught(&planted("pub use crate::message::Kind;"), "another station");
    caught(&planted("pub mod rows;"), "private");
    caught(&planted("pub use rows::{\n    *,\n};"), "glob");
    clean(&planted("mod rows;\npub use rows::Row;\npub(super) mod sealed {}"));
}

#[test]
fn a_wrong_order_is_found() {
    let lib = Source::new("src/lib.rs", "pub mod store;\npub mod clock;\npub mod drawer;\n");
    let violations = wrong_order(&lib, &our_rungs());
    caught(&violations, "clock");
    caught(&violations, "drawer");
}
