//! Defaults, then the user's file, then the environment; all problems of shape reported at once.

use std::path::Path;

use figment::error::Kind;
use figment::providers::{Env, Format, Serialized, Toml};
use figment::value::{Dict, Value};
use figment::{Error, Figment, Profile};

use super::settings::Config;
use super::{Finding, check};

/// The defaults, as people read them.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");

/// Names of environment variables begin with this; `__` stands between the parts.
const PREFIX: &str = "DRAYLINE__";

/// More problems than this are not looked for.
const PROBLEMS_MAX: usize = 100;

/// Reads the configuration and checks it.
///
/// # Errors
/// Every finding of severity error, with its place and what to do.
pub fn load(file: Option<&Path>) -> Result<Config, Vec<Finding>> {
    load_with(file, "")
}

/// Reads the configuration with TOML text of our own over the user's file and under the environment, as `demo` does.
///
/// # Errors
/// As [`load`].
pub fn load_with(file: Option<&Path>, ours: &str) -> Result<Config, Vec<Finding>> {
    let environment = Env::prefixed(PREFIX).split("__");
    if let Some(path) = file.filter(|path| !path.is_file()) {
        let place = path.display().to_string();
        return Err(vec![Finding::error(place, "there is no such file", "name an existing file with --config")]);
    }
    let mut said = Figment::new();
    if let Some(path) = file {
        said = said.merge(Toml::file_exact(path));
    }
    read(&said.merge(Toml::string(ours)).merge(environment))
}

/// Reads a configuration from TOML text over the defaults, as tests do. The environment goes before it.
///
/// # Errors
/// As [`load`].
pub fn load_text(text: &str) -> Result<Config, Vec<Finding>> {
    read(&Figment::new().merge(Toml::string(text)).merge(Env::prefixed(PREFIX).split("__")))
}

fn read(said: &Figment) -> Result<Config, Vec<Finding>> {
    let mut values: Dict = match said.extract() {
        Ok(values) => values,
        Err(errors) => return Err(errors.into_iter().map(|error| finding(&error, said)).collect()),
    };
    let mut findings = Vec::new();
    let mut culprits: Vec<String> = Vec::new();
    while findings.len() < PROBLEMS_MAX {
        let layered = Figment::from(Toml::string(DEFAULTS)).merge(Serialized::from(&values, Profile::Default));
        match layered.extract::<Config>() {
            Ok(config) => {
                // What was taken out because its shape is wrong is not missing, too.
                let inside = |rest: &str| rest.is_empty() || rest.starts_with('.');
                let within = |culprit: &String, place: &str| culprit.strip_prefix(place).is_some_and(inside);
                let told = |finding: &Finding| culprits.iter().any(|culprit| within(culprit, &finding.place));
                findings.extend(check(&config).into_iter().filter(|finding| !told(finding)));
                let wrong = findings.iter().any(|finding| finding.severity == super::Severity::Error);
                return if wrong { Err(findings) } else { Ok(config) };
            }
            Err(errors) => {
                let Some(error) = errors.into_iter().next() else { break };
                findings.push(finding(&error, said));
                // What is wrong is taken out, so that the next problem shows.
                let culprit = culprit(&error);
                if !remove(&mut values, &culprit) {
                    break;
                }
                culprits.push(culprit.join("."));
            }
        }
    }
    Err(findings)
}

/// The path of what must go: for an unknown key, the key itself.
fn culprit(error: &Error) -> Vec<String> {
    let mut path = error.path.clone();
    if let Kind::UnknownField(name, _) = &error.kind
        && path.last() != Some(name)
    {
        path.push(name.clone());
    }
    path
}

fn remove(values: &mut Dict, path: &[String]) -> bool {
    match path {
        [] => false,
        [last] => values.remove(last).is_some(),
        [first, rest @ ..] => match values.get_mut(first) {
            Some(Value::Dict(_, inner)) => remove(inner, rest),
            // An element of a list: the whole list goes.
            Some(_) => values.remove(first).is_some(),
            None => false,
        },
    }
}

fn finding(error: &Error, origins: &Figment) -> Finding {
    let path = culprit(error).join(".");
    let source = origins.find_metadata(&path).or(error.metadata.as_ref());
    let place = match source.and_then(|metadata| metadata.source.as_ref()) {
        Some(source) => format!("{path} ({source})"),
        None if source.is_some_and(|metadata| metadata.name.contains("environment")) => {
            format!("{path} ({PREFIX}{})", path.to_uppercase().replace('.', "__"))
        }
        None => path,
    };
    let (problem, remedy) = match &error.kind {
        Kind::UnknownField(name, expected) => {
            (format!("{name:?} is not a key of this section"), format!("use one of: {}", expected.join(", ")))
        }
        Kind::MissingField(name) => (format!("{name:?} is missing"), "add it".to_owned()),
        kind => (kind.to_string(), "see the comments in config/default.toml (drayline config show)".to_owned()),
    };
    Finding::error(place, &problem, &remedy)
}
