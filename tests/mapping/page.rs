//! `docs/mapping.md`, held to account: its columns, its kinds, its example.

use drayline::mapping::{COLUMNS, RowKind, import};

/// The names in the first cells of the tables below a heading.
fn named(page: &str, heading: &str) -> Vec<String> {
    let part = page.split(&format!("## {heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    let cells = part.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    cells.map(str::to_owned).collect()
}

#[test]
fn the_page_explains_every_column_and_kind_and_its_example_can_be_imported() {
    let page = std::fs::read_to_string("docs/mapping.md").unwrap();
    assert_eq!(named(&page, "Columns"), COLUMNS);
    let mut kinds = named(&page, "Kinds");
    kinds.dedup();
    assert_eq!(kinds, RowKind::ALL.map(RowKind::as_str));
    let example = page.split("```csv\n").nth(1).unwrap().split("```").next().unwrap();
    let imported = import(example, &[], false);
    assert!(imported.problems.is_empty(), "{:?}", imported.problems);
    let shown: std::collections::BTreeSet<_> = imported.lines.iter().map(|(_, row, _)| row.kind()).collect();
    assert_eq!(shown.len(), RowKind::ALL.len());
}
