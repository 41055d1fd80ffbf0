//! Reads `docker-compose.yml` as far as our own file goes: services, their scalars and lists, `<<: *drayline`.
//!
//! A reader of lines is enough for a file that we write ourselves, and saves a library for a language that nothing else
//! here speaks.

use std::collections::BTreeMap;

/// A service: its keys with their lines, those of the shared block included where it does not say otherwise.
pub struct Service {
    pub name: String,
    keys: BTreeMap<String, Vec<String>>,
}

impl Service {
    /// The words of an inline list: `command: ["a", "b"]`.
    pub fn words(&self, key: &str) -> Vec<String> {
        let Some([line]) = self.keys.get(key).map(Vec::as_slice) else { return Vec::new() };
        let inner = line.trim_start_matches('[').trim_end_matches(']');
        inner.split(", ").map(|word| filled(word.trim_matches('"'))).filter(|word| !word.is_empty()).collect()
    }

    /// The members of an indented mapping: `environment:`.
    pub fn mapping(&self, key: &str) -> BTreeMap<String, String> {
        let lines = self.keys.get(key).into_iter().flatten();
        let members = lines.filter_map(|line| line.split_once(": "));
        members.map(|(name, value)| (name.trim().to_owned(), filled(value.trim()))).collect()
    }

    /// The members of an indented list: `ports:`.
    pub fn list(&self, key: &str) -> Vec<String> {
        let lines = self.keys.get(key).into_iter().flatten();
        lines.filter_map(|line| line.trim().strip_prefix("- ")).map(filled).collect()
    }

    pub fn scalar(&self, key: &str) -> Option<String> {
        self.keys.get(key).and_then(|lines| lines.first()).map(|line| filled(line))
    }
}

/// Puts the words after `:-` in place of the variables, as when nobody has set them.
fn filled(text: &str) -> String {
    let Some((before, rest)) = text.split_once("${") else { return text.to_owned() };
    let (variable, after) = rest.split_once('}').expect("a variable ends");
    let (_, usual) =
        variable.split_once(":-").unwrap_or_else(|| panic!("{variable} has no value for trying things out"));
    format!("{before}{usual}{}", filled(after))
}

/// Every service of the file.
pub fn services(text: &str) -> Vec<Service> {
    let blocks = blocks(text, 0);
    let shared =
        blocks.iter().find(|(name, _)| name == "x-drayline").map(|(_, lines)| keys(lines, 2)).unwrap_or_default();
    let (_, services) = blocks.iter().find(|(name, _)| name == "services").expect("there are services");
    let one = |(name, lines): (String, Vec<String>)| {
        let own = keys(&lines, 4);
        let merges = own.get("<<").is_some_and(|lines| lines == &["*drayline"]);
        let mut all = if merges { shared.clone() } else { BTreeMap::new() };
        all.extend(own);
        Service { name, keys: all }
    };
    self::blocks(&services.join("\n"), 2).into_iter().map(one).collect()
}

fn keys(lines: &[String], indent: usize) -> BTreeMap<String, Vec<String>> {
    blocks(&lines.join("\n"), indent).into_iter().collect()
}

/// The keys of one depth, each with what stands beside it or below it.
fn blocks(text: &str, indent: usize) -> Vec<(String, Vec<String>)> {
    let mut blocks: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#')) {
        let depth = line.len() - line.trim_start().len();
        if depth == indent {
            let (name, value) = line.trim().split_once(':').unwrap_or_else(|| panic!("not a key: {line:?}"));
            let value = value.trim();
            let beside = if value.is_empty() || value.starts_with('&') { Vec::new() } else { vec![value.to_owned()] };
            blocks.push((name.to_owned(), beside));
        } else {
            blocks.last_mut().unwrap_or_else(|| panic!("indented too far: {line:?}")).1.push(line.to_owned());
        }
    }
    blocks
}

#[test]
fn the_reader_reads_what_we_write() {
    let text = r#"
x-drayline: &drayline
  image: drayline
  environment:
    A: one

services:
  # A comment.
  plain:
    image: postgres:15.18
    ports:
      - 127.0.0.1:1:2
  ours:
    <<: *drayline
    command: ["work", "--flow", "orders"]
    environment:
      B: two ${WORD:-three} four ${X:-five}
"#;
    let services = services(text);
    let [plain, ours] = &services[..] else { panic!() };
    assert_eq!((plain.name.as_str(), plain.list("ports")), ("plain", vec!["127.0.0.1:1:2".to_owned()]));
    assert_eq!(plain.scalar("image").unwrap(), "postgres:15.18");
    assert_eq!(ours.words("command"), ["work", "--flow", "orders"]);
    assert_eq!(ours.scalar("image").unwrap(), "drayline");
    // A mapping of one's own replaces the shared one, as in YAML.
    assert_eq!(ours.mapping("environment"), BTreeMap::from([("B".to_owned(), "two three four five".to_owned())]));
}
