//! Files of rows: strict, all problems at once, and what each line would change.

use drayline::mapping::{Change, Import, Row, import, read_csv, write_csv};
use proptest::prelude::*;

use super::row;

const HEAD: &str = "kind,connection,item,dynamics,warehouse,factor\n";

fn read(lines: &str, before: &[&str], replace: bool) -> Import {
    let before: Vec<Row> = before.iter().map(|text| row(text)).collect();
    import(&format!("{HEAD}{lines}"), &before, replace)
}

fn problems(import: &Import) -> Vec<(usize, &str)> {
    import.problems.iter().map(|each| (each.line, each.column.as_str())).collect()
}

#[test]
fn every_line_says_what_it_would_change() {
    let before = ["sku; item:A; warehouse:OLD", "sku; item:B; warehouse:B-1", "sku; item:GONE; warehouse:G"];
    let lines = "sku,,A,,NEW,\nsku,,B,,B-1,\nunit,north,A,case,each,12\n";
    let kept = read(lines, &before, false);
    let changes: Vec<_> = kept.lines.iter().map(|(line, _, change)| (*line, *change)).collect();
    assert_eq!(changes, [(2, Change::Changed), (3, Change::Unchanged), (4, Change::Added)]);
    assert_eq!((kept.set().count(), kept.removed.len(), kept.problems.len()), (2, 0, 0));
    let replaced = read(lines, &before, true);
    assert_eq!(replaced.removed, [row("sku; item:GONE; warehouse:G")]);
}

#[test]
fn all_problems_are_told_at_once_with_line_and_column() {
    let lines = "sku,North,A,,X,\nsku,,,,X,\n\nunit,,A,case,each,twelve\nsku,,A,,\nsku,,B,,Y,,Z\nskew,,A,,X,\n";
    let import = read(lines, &[], false);
    let wrong = [(2, "connection"), (3, "item"), (5, "factor"), (6, "factor"), (7, "factor"), (8, "kind")];
    assert_eq!(problems(&import), wrong, "{:#?}", import.problems);
    let told = &import.problems[2].problem;
    assert!(told.contains("\"twelve\"") && told.contains("1/12"), "{told}");
}

#[test]
fn two_rows_of_equal_scope_are_an_error_in_the_file_and_against_what_is_there() {
    let import = read("sku,,A,,X,\nsku,north,A,,X,\nsku,,A,,Y,\n", &[], false);
    assert_eq!(problems(&import), [(4, "kind")]);
    assert!(import.problems[0].problem.contains("line 2"), "{:?}", import.problems);
    // A line takes the place of the row that speaks of the same item, but not the SKU of another item's.
    let import = read("sku,,B,,X,\n", &["sku; item:A; warehouse:X"], false);
    assert_eq!(problems(&import), [(2, "kind")]);
    assert!(import.problems[0].problem.contains("there already"), "{:?}", import.problems);
    assert!(read("sku,,B,,X,\n", &["sku; item:A; warehouse:X"], true).problems.is_empty(), "that one goes");
}

#[test]
fn a_file_without_columns_is_refused() {
    for (text, line, column) in [
        ("", 1, "kind"),
        ("sku,A,X\n", 1, "sku"),
        ("kind,item,item\n", 1, "item"),
        ("item,warehouse\nA,X\n", 1, "kind"),
        ("kind,item,warehouse\nsku,\"A,X\n", 2, "cell 2"),
        ("kind,item,warehouse\nsku,A\"B,X\n", 2, "cell 2"),
        ("kind,item,warehouse\nsku,\"A\"B,X\n", 2, "cell 2"),
    ] {
        let import = import(text, &[], false);
        let first = &import.problems[0];
        assert_eq!((first.line, first.column.as_str()), (line, column), "{text:?}: {:?}", import.problems);
    }
}

#[test]
fn quotes_line_ends_and_marks_are_read_as_written() {
    let text = "\u{feff}kind,item,warehouse\r\nsku,\"A \"\"red\"\"\",\"X,1\"\r\n\r\nsku,B,Y";
    let import = import(text, &[], false);
    assert!(import.problems.is_empty(), "{:?}", import.problems);
    let rows: Vec<_> = import.lines.iter().map(|(line, row, _)| (*line, row.cells()["item"].clone())).collect();
    assert_eq!(rows, [(2, "A \"red\"".to_owned()), (4, "B".to_owned())]);
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(records in prop::collection::vec(prop::collection::vec("[a-z,\"\r\n ;é]{0,6}", 2..5), 1..6)) {
        let text: String = records.iter().map(|cells| write_csv(cells.iter().map(String::as_str))).collect();
        let read: Vec<_> = read_csv(&text).unwrap().into_iter().map(|record| record.cells).collect();
        prop_assert_eq!(read, records);
    }

    #[test]
    fn nothing_makes_the_reader_panic(text in "[a,\"\r\n]{0,40}|.{0,60}") {
        let _ = import(&text, &[], true);
    }
}
