//! Sources as text, and the same text without comments and literals, so that words in prose are not taken for code.

use std::path::Path;

/// One file.
pub struct Source {
    /// From the root of the repository: `src/flows/act.rs`.
    pub path: String,
    /// As written.
    pub text: String,
    /// As written, but comments and what stands in quotes are blanks; lines and columns stay.
    pub code: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: blank(text) }
    }

    /// The top-level module a file of `src` belongs to.
    pub fn module(&self) -> &str {
        let inside = self.path.strip_prefix("src/").unwrap_or(&self.path);
        inside.split('/').next().unwrap().trim_end_matches(".rs")
    }

    /// Whether it is the file of a top-level module, so that `super` is the crate.
    pub fn is_top(&self) -> bool {
        let inside = self.path.strip_prefix("src/").unwrap_or(&self.path);
        !inside.contains('/') || (inside.matches('/').count() == 1 && inside.ends_with("/mod.rs"))
    }

    /// `path:line` of a place in the text.
    pub fn place(&self, offset: usize) -> String {
        format!("{}:{}", self.path, self.text[..offset].matches('\n').count() + 1)
    }

    /// Where a word stands in the code as a word of its own.
    pub fn words<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let inside_name = |letter: char| letter.is_alphanumeric() || letter == '_';
        self.code.match_indices(word).map(|(offset, _)| offset).filter(move |offset| {
            !self.code[..*offset].ends_with(inside_name) && !self.code[offset + word.len()..].starts_with(inside_name)
        })
    }
}

/// Every file below a folder with one of these endings, in order.
pub fn sources(folder: &str, endings: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    collect(Path::new(folder), endings, &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(!found.is_empty(), "there is nothing in {folder}");
    found
}

fn collect(folder: &Path, endings: &[&str], found: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_str().unwrap().trim_start_matches("./").to_owned();
        if path.is_dir() {
            collect(&path, endings, found);
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            // A fixture need not be text.
            found.push(Source::new(&name, &String::from_utf8_lossy(&std::fs::read(&path).unwrap())));
        }
    }
}

/// The production code.
pub fn production() -> Vec<Source> {
    sources("src", &[".rs"])
}

/// Takes comments and literals out, letter for letter.
fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_end(text, at);
        let hidden = end > at;
        let next = if hidden { end } else { at + 1 };
        if hidden {
            code[at..next].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
        }
        at = next;
    }
    String::from_utf8(code).unwrap()
}

/// Where the comment or literal that begins here ends; the same place when none begins.
fn literal_end(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        return at + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    }
    if rest.starts_with(b"/*") {
        return block_end(bytes, at);
    }
    let after_name = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    match rest[0] {
        b'"' => quoted_end(bytes, at, b'"'),
        b'r' if !after_name => raw_end(bytes, at),
        b'\'' => {
            // A lifetime has no second quote right behind its first letter.
            let letter = rest.get(1).copied().unwrap_or(b' ');
            let width = text[at + 1..].chars().next().map_or(1, char::len_utf8);
            let quoted = letter == b'\\' || rest.get(1 + width) == Some(&b'\'');
            if quoted { quoted_end(bytes, at, b'\'') } else { at }
        }
        _ => at,
    }
}

fn block_end(bytes: &[u8], start: usize) -> usize {
    let (mut depth, mut at) = (0, start);
    while at < bytes.len() {
        let (step, change) = match &bytes[at..] {
            [b'/', b'*', ..] => (2, 1),
            [b'*', b'/', ..] => (2, -1),
            _ => (1, 0),
        };
        depth += change;
        at += step;
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted_end(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// `r"…"`, `r#"…"#`: the end, or the start when it is a name that begins with r.
fn raw_end(bytes: &[u8], start: usize) -> usize {
    let hashes = bytes[start + 1..].iter().take_while(|byte| **byte == b'#').count();
    if bytes.get(start + 1 + hashes) != Some(&b'"') {
        return start;
    }
    let mark = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    let body = start + 2 + hashes;
    let length = bytes[body..].windows(mark.len()).position(|window| window == mark);
    length.map_or(bytes.len(), |length| body + length + mark.len())
}

#[test]
fn comments_and_literals_are_no_code() {
    let text = r#"let a = "crate::x"; // crate::y
let b = r"crate::z"; /* crate:: /* deep */ v */ let c: &'static str = f('"', '\'', b"w");"#;
    let source = Source::new("src/a.rs", text);
    assert_eq!(source.code.len(), text.len());
    assert!(!source.code.contains("crate") && !source.code.contains('w'), "{}", source.code);
    assert!(source.code.contains("let c: &'static str = f("), "{}", source.code);
    let hashed = Source::new("src/a.rs", "let a = r#\"crate::\"x\"\"#; rest");
    assert!(!hashed.code.contains("crate") && hashed.code.ends_with("; rest"), "{}", hashed.code);
}
