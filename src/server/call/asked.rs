//! What was asked, from its bytes to what a handler works with.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, FromRequestParts as _, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use serde::Deserialize as _;
use serde::de::DeserializeOwned;

use super::{Ask, Asked, Origin};
use crate::api::operation::Operation;
use crate::api::problem::Problem;
use crate::api::{KEPT_FOR, lengths};
use crate::text::{clean_line, short_quote, with_short_quotes};

/// Reads a body of so many bytes at most, within so much time.
pub(super) async fn read_body(body: Body, most: usize, within: Duration) -> Result<Bytes, Problem> {
    match tokio::time::timeout(within, axum::body::to_bytes(body, most)).await {
        Ok(read) => read.map_err(|_| Problem::new("body.too_large", format!("At most {} KiB are taken.", most >> 10))),
        Err(_) => Err(Problem::new("body.too_slow", format!("The body was not there within {} s. Send it again.", within.as_secs()))),
    }
}

impl Asked {
    pub(super) async fn read(mut parts: Parts, body: Bytes) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(&mut parts, &()).await.map_err(|_| Problem::not_found())?;
        // PostgreSQL takes no NUL; what has one names nothing.
        let path = params.iter().map(|(name, value)| (name.to_owned(), value.replace('\0', "\u{FFFD}").into())).collect::<serde_json::Map<_, _>>().into();
        let from = from(&parts);
        Ok(Self {
            path,
            if_match: IfMatch::of(&parts.headers),
            kept_for: kept_for(&parts.headers)?,
            from,
            origin: Origin::of(&parts.headers, from),
            uri: parts.uri,
            body,
        })
    }

    /// Understands path, query and body, each with its own problem.
    pub(crate) fn understood<O: Operation>(&self) -> Result<Ask<O>, Problem> {
        // What is no id at all is not found, like an id that does not exist.
        let path = O::Path::deserialize(&self.path).map_err(|_| Problem::not_found())?;
        let query = axum::extract::Query::<O::Query>::try_from_uri(&self.uri).map_err(|rejection| Problem::new("query.invalid", tell(&rejection)))?.0;
        let body = if self.body.iter().all(u8::is_ascii_whitespace) { from_json(b"{}") } else { from_json(&self.body) }?;
        Ok(Ask { path, query, body, if_match: self.if_match.clone(), from: self.from, origin: self.origin.clone() })
    }
}

fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // A list would be taken for the fields in their order.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(Problem::with_status(422, "body.invalid", "The body cannot be understood", "Send one JSON object."));
    }
    let json = without_nul(bytes);
    serde_json::from_slice(&json).map_err(|error| wrong::<T>(&json, &error))
}

/// What is wrong with a body, and with which field of it: that is found by reading
/// it once more.
fn wrong<T: DeserializeOwned>(json: &[u8], error: &serde_json::Error) -> Problem {
    let again = serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_slice(json));
    let (mut said, place) = in_json_words(&error.to_string());
    let mut field = again.err().map(|error| error.path().to_string()).filter(|path| path != ".");
    if let Some(missing) = said.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        field = Some(field.map_or_else(|| missing.to_owned(), |within| format!("{within}.{missing}")));
        "it is missing".clone_into(&mut said);
    }
    let field = field.map(|field| short_quote(&field));
    let told = match &field {
        Some(field) => format!("{field}: {said}"),
        None => format!("{said}{place}"),
    };
    let mut problem = Problem::with_status(422, "body.invalid", "The body cannot be understood", not_understood("body", &told));
    problem.fields.extend(field.map(|field| (field, clean_line(&with_short_quotes(&said)))));
    problem
}

/// JSON without the one character that PostgreSQL takes in no text, wherever it
/// stands: in a code to look up as well as in a name that is cleaned later.
fn without_nul(json: &[u8]) -> Cow<'_, [u8]> {
    const NUL: &[u8] = b"\\u0000";
    if memchr::memmem::find(json, NUL).is_none() {
        return Cow::Borrowed(json);
    }
    let (mut kept, mut rest) = (Vec::with_capacity(json.len()), json);
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (before, escape) = rest.split_at(at);
        kept.extend_from_slice(before);
        rest = match escape.strip_prefix(NUL) {
            Some(behind) => behind,
            None => {
                // With the sign behind it, which may be a backslash itself.
                let (sign, behind) = escape.split_at(escape.len().min(2));
                kept.extend_from_slice(sign);
                behind
            }
        };
    }
    kept.extend_from_slice(rest);
    Cow::Owned(kept)
}

/// What libraries say, and what a person says.
const IN_OUR_WORDS: [(&str, &str); 6] = [
    ("expected i64", "expected a whole number"),
    ("expected u32", "expected a whole number"),
    ("invalid digit found in string", "a whole number is expected"),
    ("number too large to fit in target type", "a smaller number is expected"),
    ("unknown variant", "unknown value"),
    ("EOF while parsing", "it ends within"),
];

/// What is wrong with a body, in the words of JSON and not of our code, and where.
fn in_json_words(error: &str) -> (String, String) {
    let (said, place) = error.rsplit_once(" at line ").map_or((error, String::new()), |(said, place)| (said, format!(" at line {place}")));
    let said = match said.split_once("expected struct ") {
        Some((before, _)) => format!("{before}expected an object"),
        None => IN_OUR_WORDS.iter().fold(said.to_owned(), |said, (theirs, ours)| said.replace(theirs, ours)),
    };
    (said, place)
}

fn tell(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    let said = IN_OUR_WORDS.iter().fold(deepest.to_string(), |said, (theirs, ours)| said.replace(theirs, ours));
    // It begins with the parameter, which is no quote.
    match said.split_once(": ") {
        Some((parameter, wrong)) => not_understood("query", &format!("{}: {wrong}", short_quote(parameter))),
        None => not_understood("query", &said),
    }
}

/// The words of whoever could not read it quote what was sent, however long that
/// is: the answer would be longer than the question, and is kept.
fn not_understood(what: &str, told: &str) -> String {
    clean_line(&format!("The {what} cannot be understood: {}.", with_short_quotes(told)))
}

/// Where a call comes from. A proxy on this machine says for whom it asks, and
/// adds that behind whatever the caller wrote, perhaps on a line of its own; what
/// others say of themselves is not believed.
fn from(parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |connection| connection.0.ip());
    let told = parts.headers.get_all("x-forwarded-for").iter().next_back().filter(|_| peer.to_canonical().is_loopback());
    let last = told.and_then(|told| told.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    last.unwrap_or(peer)
}

/// How long it lay on the machine of whoever typed it: told as an age, since that
/// machine's clock may be wrong.
fn kept_for(headers: &HeaderMap) -> Result<Duration, Problem> {
    let Some(value) = headers.get(KEPT_FOR) else { return Ok(Duration::ZERO) };
    let digits = value.to_str().ok().filter(|text| text.len() <= lengths::KEPT_FOR && text.bytes().all(|byte| byte.is_ascii_digit()));
    let seconds = digits.and_then(|digits| digits.parse().ok()).map(Duration::from_secs);
    seconds.ok_or_else(|| Problem::field("kept_for", format!("whole seconds, at most {} digits", lengths::KEPT_FOR)))
}

/// The versions of a record that a write may change; any where nothing was said
/// of it. What is there and is no version of ours matches none: a write that was
/// meant to have a condition never loses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IfMatch(Option<Vec<i64>>);

impl IfMatch {
    /// Several headers are one list (RFC 9110, 5.3), and bytes that are no text
    /// may stand in a tag.
    fn of(headers: &HeaderMap) -> Self {
        let sent: Vec<&[u8]> = headers.get_all(header::IF_MATCH).iter().map(HeaderValue::as_bytes).collect();
        let list = String::from_utf8_lossy(&sent.join(&b","[..])).into_owned();
        if sent.is_empty() || list.trim() == "*" {
            return Self(None);
        }
        // A number without its quotes is taken where it stands alone: in a list it
        // could be a part of somebody else's tag.
        let alone = list.trim().parse::<i64>();
        Self(Some(alone.map_or_else(|_| list.split(',').filter_map(version).collect(), |version| vec![version])))
    }

    /// Whether a record of this version may be changed.
    pub(crate) fn allows(&self, version: i64) -> bool {
        self.0.as_ref().is_none_or(|named| named.contains(&version))
    }
}

/// The version in a tag of ours. A comma may stand in a tag, a quote may not.
fn version(tag: &str) -> Option<i64> {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_headers(sent: &[&[u8]]) -> IfMatch {
        let mut headers = HeaderMap::new();
        for tag in sent {
            headers.append(header::IF_MATCH, HeaderValue::from_bytes(tag).unwrap());
        }
        IfMatch::of(&headers)
    }

    #[test]
    fn a_condition_that_is_not_understood_is_one_that_nothing_meets() {
        let odd: [&[u8]; 11] = [b"\"\xe9\"", b"\xe9", b"\"2\xff\"", b"", b"\"\"", b"yesterday", b"2, 3", b"\"a, 2, b\"", b"\"2\"2", b"**", b"\"*\""];
        for nothing in odd {
            assert_eq!(by_headers(&[nothing]), IfMatch(Some(vec![])), "{}", nothing.escape_ascii());
        }
        assert!(!by_headers(&[b"\"77\"", b"*"]).allows(2), "any version stands alone or not at all");
    }

    #[test]
    fn a_condition_may_name_several_versions() {
        let lists: [&[&[u8]]; 4] = [&[b"\"2\", \"3\""], &[b"\"3\" , W/\"2\""], &[b"\"2\"", b"\"3\""], &[b",\"2\",,\"\xe9\",\"3\""]];
        for sent in lists {
            let named = by_headers(sent);
            assert_eq!([1, 2, 3, 4].map(|version| named.allows(version)), [false, true, true, false], "{named:?}");
        }
        assert_eq!((by_headers(&[b" 2 "]), by_headers(&[b"W/\"2\""])), (IfMatch(Some(vec![2])), IfMatch(Some(vec![2]))));
        assert_eq!((by_headers(&[]), by_headers(&[b" * "])), (IfMatch(None), IfMatch(None)));
    }

    #[test]
    fn a_nul_goes_wherever_it_stands_and_nothing_else() {
        for (sent, kept) in [
            (r#"{"a":"b"}"#, r#"{"a":"b"}"#),
            (r#"{"a":"\u0000b\n\u0000\u0000"}"#, r#"{"a":"b\n"}"#),
            (r#"{"\u0000a":"\\u0000\\\u0000"}"#, r#"{"a":"\\u0000\\"}"#),
            (r#"{"a":"\u0000"#, r#"{"a":""#),
            ("\\u0000\\", "\\"),
        ] {
            assert_eq!(without_nul(sent.as_bytes()).as_ref(), kept.as_bytes(), "{sent}");
        }
    }
}
