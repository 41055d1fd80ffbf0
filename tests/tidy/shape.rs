//! How long things may be, and what tests may not do.

use super::source::{Source, production, sources};
use super::{caught, clean};

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;
const PARAMETERS_MAX: usize = 5;

/// A function as the text shows it.
struct Function {
    name: String,
    offset: usize,
    parameters: usize,
    lines: usize,
}

fn functions(source: &Source) -> Vec<Function> {
    source.words("fn").filter_map(|offset| function(&source.code, offset)).collect()
}

/// Reads the function whose `fn` stands here; nothing when it is a type like `fn(u8) -> u8`.
fn function(code: &str, offset: usize) -> Option<Function> {
    let rest = code[offset + 2..].trim_start();
    let name: String = rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    if name.is_empty() {
        return None;
    }
    let start = code.len() - rest.len() + name.len();
    let open = start + generics_length(&code[start..]);
    let close = open + closing(&code[open..], '(', ')')?;
    let parameters = parameter_count(&code[open + 1..close]);
    // A declaration in a trait ends before any body begins.
    let body = close + code[close..].find(['{', ';'])?;
    let end = if code[body..].starts_with('{') { body + closing(&code[body..], '{', '}')? } else { body };
    let lines = code[offset..=end].matches('\n').count() + 1;
    Some(Function { name, offset, parameters, lines })
}

/// How long the part in angle brackets is; `->` closes none.
fn generics_length(text: &str) -> usize {
    let (mut depth, mut last) = (0, ' ');
    for (offset, letter) in text.char_indices() {
        depth += i32::from(letter == '<') - i32::from(letter == '>' && last != '-');
        if depth == 0 && letter == '(' {
            return offset;
        }
        last = letter;
    }
    text.len()
}

fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0;
    for (offset, letter) in text.char_indices() {
        depth += i32::from(letter == open) - i32::from(letter == close);
        if depth == 0 {
            return Some(offset);
        }
    }
    None
}

/// The receiver is not counted: it is what the function belongs to.
fn parameter_count(list: &str) -> usize {
    let (mut depth, mut before, mut members) = (0, ' ', vec![String::new()]);
    for letter in list.chars() {
        match letter {
            '(' | '[' | '{' | '<' => depth += 1,
            '>' if before == '-' => {}
            ')' | ']' | '}' | '>' => depth -= 1,
            _ => {}
        }
        if letter == ',' && depth == 0 {
            members.push(String::new());
        } else {
            members.last_mut().unwrap().push(letter);
        }
        before = letter;
    }
    let receiver = |member: &str| {
        member.split(':').next().unwrap().split_whitespace().any(|word| word.trim_matches('&') == "self")
    };
    members.iter().map(|member| member.trim()).filter(|member| !member.is_empty() && !receiver(member)).count()
}

fn too_large(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for source in sources {
        let lines = source.text.lines().count();
        if lines > FILE_LINES_MAX {
            violations.push(format!("{}: {lines} lines; the limit is {FILE_LINES_MAX}", source.path));
        }
        for function in functions(source) {
            let place = format!("{}: {}", source.place(function.offset), function.name);
            if function.lines > FUNCTION_LINES_MAX {
                violations.push(format!("{place} has {} lines; the limit is {FUNCTION_LINES_MAX}", function.lines));
            }
            if function.parameters > PARAMETERS_MAX {
                let count = function.parameters;
                violations.push(format!("{place} takes {count} parameters; the limit is {PARAMETERS_MAX}"));
            }
        }
    }
    violations
}

/// Inline tests that outgrow the code above them move to `tests/`.
fn top_heavy(sources: &[Source]) -> Vec<String> {
    let heavy = sources.iter().filter(|source| {
        let lines: Vec<&str> = source.code.lines().collect();
        let above = lines.iter().position(|line| *line == "#[cfg(test)]").unwrap_or(lines.len());
        lines.len() > above * 2
    });
    heavy.map(|source| format!("{}: more lines of tests than of code", source.path)).collect()
}

/// A sleeping or skipped test proves nothing; a wait names its condition and has a deadline.
fn sleepers(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for source in sources {
        for offset in source.words("sleep").filter(|offset| source.code[offset + 5..].starts_with('(')) {
            violations.push(format!("{}: a test must wait for something, not for time", source.place(offset)));
        }
        for (offset, _) in source.code.match_indices("#[ignore") {
            violations.push(format!("{}: a test that is skipped", source.place(offset)));
        }
    }
    violations
}

#[test]
fn files_functions_and_parameters_keep_their_limits() {
    clean(&too_large(&production()));
    clean(&top_heavy(&production()));
}

#[test]
fn tests_neither_sleep_nor_are_skipped() {
    clean(&sleepers(&sources("tests", &[".rs"])));
}

#[test]
fn what_is_too_large_is_found() {
    let planted = |text: &str| too_large(&[Source::new("src/a.rs", text)]);
    caught(&planted(&"\n".repeat(401)), "401 lines");
    caught(
        &planted(&format!("\nfn long<F: Fn(u8) -> u8>(f: F) {{{}}}", "\n".repeat(70))),
        "src/a.rs:2: long has 71 lines",
    );
    let many = "fn many(&self, a: A<B, C>, b: [u8; 2], (c, d): (u8, u8), e: impl Fn(u8, u8) -> u8, f: u8, g: u8) {}";
    caught(&planted(many), "many takes 6 parameters");
    clean(&planted("trait T { fn few(self: &Arc<Self>, a: u8, b: u8, c: u8, d: u8, e: u8); }\ntype F = fn(u8) -> u8;"));
    let tests = format!("fn a() {{}}\n#[cfg(test)]\nmod tests {{{}}}", "\n".repeat(9));
    caught(&top_heavy(&[Source::new("src/a.rs", &tests)]), "src/a.rs");
}

#[test]
fn a_sleeper_is_found() {
    let planted = |text: &str| sleepers(&[Source::new("tests/a.rs", text)]);
    caught(&planted("async fn f() {\n tokio::time::sleep(d).await }"), "tests/a.rs:2");
    caught(&planted("#[ignore = \"slow\"]"), "skipped");
    clean(&planted("// sleep(1)\nlet sleep = 1; fall_asleep(1);"));
}
