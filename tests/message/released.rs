//! What is released only grows: `released/` holds a list per release, and everything in it must still be there,
//! unchanged. Messages lie in queues and parked rows for as long as nobody has worked on them, and other producers do
//! not ask before they send.

use std::collections::BTreeSet;
use std::path::Path;

use protox::prost_reflect::{Cardinality, DescriptorPool, EnumDescriptor, FieldDescriptor};

const FOLDER: &str = "tests/message/released";

/// Names the release whose list is to be written: `DRAYLINE_WRITE_RELEASED=0.2 cargo test --test suite message::released`.
const WRITE: &str = "DRAYLINE_WRITE_RELEASED";

/// Every field and every value below a folder of `.proto` files, one line each.
fn lines(root: &Path) -> BTreeSet<String> {
    let mut files: Vec<_> =
        std::fs::read_dir(root.join("drayline/v1")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let pool = DescriptorPool::from_file_descriptor_set(protox::compile(files, [root]).unwrap()).unwrap();
    let ours = |name: &str| name.starts_with("drayline.");
    let messages = pool.all_messages().filter(|message| ours(message.full_name()) && !message.is_map_entry());
    let fields = messages.flat_map(|message| message.fields().map(|field| field_line(&field)).collect::<Vec<_>>());
    let enums = pool.all_enums().filter(|each| ours(each.full_name()));
    fields.chain(enums.flat_map(|each| value_lines(&each))).collect()
}

fn field_line(field: &FieldDescriptor) -> String {
    let label = match (field.is_map(), field.cardinality(), field.containing_oneof()) {
        (true, _, _) => "map ".to_owned(),
        (_, Cardinality::Repeated, _) => "repeated ".to_owned(),
        (_, Cardinality::Required, _) => "required ".to_owned(),
        // An optional field is a oneof of its own that nobody wrote.
        (_, _, Some(oneof)) if oneof.name().starts_with('_') => "optional ".to_owned(),
        (_, _, Some(oneof)) => format!("{} ", oneof.name()),
        (_, _, None) => String::new(),
    };
    let kind = field.kind();
    let kind = match (kind.as_message(), kind.as_enum()) {
        (Some(message), _) if field.is_map() => {
            format!("{:?} to {:?}", message.map_entry_key_field().kind(), message.map_entry_value_field().kind())
        }
        (Some(message), _) => message.full_name().to_owned(),
        (_, Some(each)) => each.full_name().to_owned(),
        (None, None) => format!("{kind:?}"),
    };
    format!("{} = {} {label}{kind}", field.full_name(), field.number())
}

fn value_lines(each: &EnumDescriptor) -> Vec<String> {
    each.values().map(|value| format!("{}.{} = {}", each.full_name(), value.name(), value.number())).collect()
}

fn missing(released: &str, now: &BTreeSet<String>) -> Vec<String> {
    let promised = released.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    promised.filter(|line| !now.contains(*line)).map(str::to_owned).collect()
}

#[test]
fn nothing_released_was_removed_or_changed() {
    let now = lines(Path::new("proto"));
    if let Ok(release) = std::env::var(WRITE) {
        let path = Path::new(FOLDER).join(format!("{release}.txt"));
        assert!(!path.exists(), "{} is released: write a new one", path.display());
        let words = format!(
            "# What release {release} promises on the wire. Never changed; later releases have lists of their own."
        );
        std::fs::write(path, format!("{words}\n{}\n", Vec::from_iter(now.clone()).join("\n"))).unwrap();
    }
    let mut lists = 0;
    for list in std::fs::read_dir(FOLDER).unwrap() {
        let path = list.unwrap().path();
        let gone = missing(&std::fs::read_to_string(&path).unwrap(), &now);
        assert!(gone.is_empty(), "{} promises what proto/ no longer keeps:\n{}", path.display(), gone.join("\n"));
        lists += 1;
    }
    assert!(lists > 0, "there is no list in {FOLDER}");
}

#[test]
fn what_breaks_a_promise_is_found() {
    let list = std::fs::read_to_string(format!("{FOLDER}/0.1.txt")).unwrap();
    let orders = std::fs::read_to_string("proto/drayline/v1/orders.proto").unwrap();
    for (from, to, promise) in [
        ("string warehouse = 2;", "string warehouse = 4;", "ReleasedDocument.warehouse = 2 string"),
        ("string warehouse = 2;", "bytes warehouse = 2;", "ReleasedDocument.warehouse = 2 string"),
        ("string warehouse = 2;", "string place = 2;", "ReleasedDocument.warehouse = 2 string"),
        ("string warehouse = 2;", "", "ReleasedDocument.warehouse = 2 string"),
        (
            "repeated RejectedLine lines",
            "RejectedLine lines",
            "OrderRejected.lines = 3 repeated drayline.v1.RejectedLine",
        ),
        ("PACKED = 40;", "PACKED = 41;", "OrderStatus.Code.PACKED = 40"),
        ("LABELLED = 45;", "", "OrderStatus.Code.LABELLED = 45"),
    ] {
        assert!(orders.contains(from), "{from}");
        let folder = copy_with_orders(&orders.replacen(from, to, 1));
        let gone = missing(&list, &lines(folder.path()));
        assert_eq!(gone, [format!("drayline.v1.{promise}")], "{from} → {to}");
    }
}

#[test]
fn what_only_adds_keeps_every_promise() {
    let list = std::fs::read_to_string(format!("{FOLDER}/0.1.txt")).unwrap();
    let orders = std::fs::read_to_string("proto/drayline/v1/orders.proto").unwrap();
    let grown = orders.replacen("string warehouse = 2;", "string warehouse = 2;\n  string dock = 9;", 1);
    let folder = copy_with_orders(&grown);
    assert!(missing(&list, &lines(folder.path())).is_empty());
}

/// The protocol as it is, with another `orders.proto`.
fn copy_with_orders(orders: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("drayline/v1");
    std::fs::create_dir_all(&target).unwrap();
    for file in std::fs::read_dir("proto/drayline/v1").unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), target.join(file.file_name())).unwrap();
    }
    std::fs::write(target.join("orders.proto"), orders).unwrap();
    folder
}
