//! Pages that promise something about the code, held to account.

use std::collections::{BTreeMap, BTreeSet};

use drayline::failure::{Class, Code};

use super::{caught, clean};

/// What a person needs to know of every code, in this order.
const PARTS: [&str; 3] = ["**Means**", "**Do**", "**Replay**"];

/// The entries of `docs/exceptions.md`: code and the lines below its heading.
fn entries(page: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut entries = BTreeMap::new();
    let mut current: Option<&str> = None;
    for line in page.lines() {
        if line.starts_with('#') {
            current = line.strip_prefix("### `").and_then(|rest| rest.strip_suffix('`'));
            if let Some(code) = current {
                assert!(entries.insert(code, Vec::new()).is_none(), "{code} stands twice");
            }
        } else if let Some(code) = current {
            entries.get_mut(code).unwrap().push(line);
        }
    }
    entries
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Busy => "busy",
        Class::Transient => "transient",
        Class::Unsure => "unsure",
        Class::Permanent => "permanent",
        Class::Poison => "poison",
    }
}

fn wrong_entries(page: &str) -> Vec<String> {
    let entries = entries(page);
    let codes: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let told: BTreeSet<&str> = entries.keys().copied().collect();
    let mut violations: Vec<String> = codes.difference(&told).map(|code| format!("{code} is not explained")).collect();
    violations.extend(told.difference(&codes).map(|code| format!("{code} is explained, but no code")));
    for code in Code::ALL.iter().filter(|code| told.contains(code.as_str())) {
        let lines = &entries[code.as_str()];
        let sorted = format!("*{} · {}*", class(code.class()), code.owner());
        if !lines.contains(&&*sorted) {
            violations.push(format!("{code} must be sorted as {sorted}"));
        }
        let step = format!("- **Do**: {}", code.next_step());
        if !lines.iter().any(|line| line.starts_with(&step)) {
            violations.push(format!("{code}: what to do must begin with {:?}", code.next_step()));
        }
        for part in PARTS {
            let text = lines.iter().find_map(|line| line.strip_prefix(&format!("- {part}: ")));
            if text.is_none_or(|text| text.len() < 15) {
                violations.push(format!("{code} lacks the part {part}"));
            }
        }
    }
    violations
}

#[test]
fn every_code_is_explained() {
    clean(&wrong_entries(&std::fs::read_to_string("docs/exceptions.md").unwrap()));
}

#[test]
fn a_wrong_page_is_found() {
    let page = std::fs::read_to_string("docs/exceptions.md").unwrap();
    caught(
        &wrong_entries(&page.replace("### `order.rejected`", "### `order.declined`")),
        "order.rejected is not explained",
    );
    caught(
        &wrong_entries(&page.replace("### `order.rejected`", "### `order.declined`")),
        "order.declined is explained",
    );
    caught(&wrong_entries(&page.replace("*permanent · finance*", "*permanent · sales*")), "must be sorted");
    let step = Code::OrderRejected.next_step();
    caught(&wrong_entries(&page.replace(step, "Do something.")), "order.rejected: what to do");
    caught(&wrong_entries(&page.replacen("- **Replay**: ", "- Replay: ", 1)), "lacks the part **Replay**");
}

/// Records are numbered without gaps, and the list of them names each.
fn wrong_records(list: &str, files: &BTreeSet<String>) -> Vec<String> {
    let records: Vec<&String> = files.iter().filter(|name| name.as_bytes()[0].is_ascii_digit()).collect();
    let mut violations = Vec::new();
    for (index, name) in records.iter().enumerate() {
        if !name.starts_with(&format!("{:04}-", index + 1)) {
            violations.push(format!("{name}: number {} is expected here", index + 1));
        }
        if !list.contains(&format!("]({name})")) {
            violations.push(format!("{name}: not in the list"));
        }
    }
    violations
}

#[test]
fn every_decision_is_in_the_list() {
    let files = std::fs::read_dir("docs/decisions").unwrap();
    let files = files.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    clean(&wrong_records(&std::fs::read_to_string("docs/decisions/README.md").unwrap(), &files));
}

#[test]
fn a_missing_record_is_found() {
    let files = ["0001-a.md", "0003-c.md", "README.md"].map(str::to_owned).into();
    caught(&wrong_records("[A](0001-a.md)", &files), "0003-c.md: number 2");
    caught(&wrong_records("[A](0001-a.md)", &files), "0003-c.md: not in the list");
}

/// The tests that a page names as `suite::file::test` and that are not there.
fn missing_tests(page: &str) -> Vec<String> {
    let named = page.split('`').skip(1).step_by(2).filter(|word| word.split("::").count() > 2);
    let missing = named.filter(|name| {
        let (place, test) = name.rsplit_once("::").unwrap();
        let file = format!("tests/{}.rs", place.replace("::", "/"));
        !std::fs::read_to_string(file).is_ok_and(|text| text.contains(&format!("fn {test}(")))
    });
    missing.map(|name| format!("docs/proof.md: there is no test {name}")).collect()
}

#[test]
fn every_test_that_proves_something_is_there() {
    let page = std::fs::read_to_string("docs/proof.md").unwrap();
    clean(&missing_tests(&page));
    let wrong = page.replace("fails_parks_in_front", "fails_is_forgotten");
    caught(&missing_tests(&wrong), "an_awaited_kind_that_fails_is_forgotten");
}
