//! Personal data taken out of bodies before people or logs see them: pure.
//!
//! It goes by the names of JSON members, all of which stand here. A body may be cut, or be one of many in a multipart text: the
//! text is read from its beginning, and what cannot be read as JSON stays as it is. Cities, postal codes and countries stay: they
//! are what rules of carriers are about.

/// What stands for what was taken out.
const MASK: &str = "\"***\"";

/// Members that speak of a person, whole, in lower case.
const WHOLE: [&str; 10] =
    ["name", "company", "contact", "attention", "addressee", "line1", "line2", "line3", "address1", "address2"];

/// How members that speak of a person end, in lower case: Dynamics puts whose it is in front (`ConsigneeContactPhone`).
const ENDINGS: [&str; 24] = [
    "consigneename",
    "consignername",
    "contactname",
    "customername",
    "deliveryname",
    "personname",
    "receivername",
    "recipientname",
    "sendername",
    "shippername",
    "shiptoname",
    "addressname",
    "firstname",
    "lastname",
    "fullname",
    "street",
    "streetnumber",
    "buildingcompliment",
    "postbox",
    "phone",
    "phonenumber",
    "mobile",
    "email",
    "emailaddress",
];

/// What of a query is never shown, in lower case.
const SECRETS: [&str; 9] = ["access_token", "api_key", "apikey", "code", "key", "password", "secret", "sig", "token"];

/// A body without the values of members that speak of a person.
#[must_use]
pub fn masked(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('"') {
        let (before, from) = rest.split_at(start);
        let (word, behind) = from.split_at(literal(from));
        shown.push_str(before);
        shown.push_str(word);
        rest = behind;
        let Some(value) = behind.trim_start().strip_prefix(':').map(str::trim_start) else { continue };
        if is_personal(word.trim_matches('"')) {
            shown.push_str(&behind[..behind.len() - value.len()]);
            rest = hidden(value, &mut shown);
        }
    }
    shown.push_str(rest);
    shown
}

/// An address without its host, and without what its query keeps secret.
pub(super) fn path(url: &reqwest::Url) -> String {
    let Some(query) = url.query() else { return url.path().to_owned() };
    let shown = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if SECRETS.contains(&name.to_ascii_lowercase().as_str()) => format!("{name}=***"),
        _ => pair.to_owned(),
    };
    let query: Vec<_> = query.split('&').map(shown).collect();
    format!("{}?{}", url.path(), query.join("&"))
}

fn is_personal(member: &str) -> bool {
    let member = member.to_ascii_lowercase();
    WHOLE.contains(&member.as_str()) || ENDINGS.iter().any(|ending| member.ends_with(ending))
}

/// Puts the mask for a value; answers what stands behind it. Nothing is no person.
fn hidden<'a>(value: &'a str, shown: &mut String) -> &'a str {
    if value.is_empty() || value.starts_with("null") {
        return value;
    }
    shown.push_str(MASK);
    &value[length(value)..]
}

/// How long a value is: to its end, or to that of the text.
fn length(value: &str) -> usize {
    match value.as_bytes().first() {
        Some(b'"') => literal(value),
        Some(b'{' | b'[') => {
            let (mut at, mut depth) = (0, 0_usize);
            while let Some(byte) = value.as_bytes().get(at) {
                match byte {
                    b'"' => at += literal(&value[at..]) - 1,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    break;
                }
            }
            at
        }
        _ => value.find([',', '}', ']', '\r', '\n']).unwrap_or(value.len()),
    }
}

/// How long the literal is with which a text begins, with both its quotes. None goes over the end of a line.
fn literal(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'\r' | b'\n' => return at,
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}
