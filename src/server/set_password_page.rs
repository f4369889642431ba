//! `/set-password`: the page behind the link that was mailed, where somebody
//! sets a password with a one-time code.
//!
//! The code is the link's fragment, which browsers send to nobody: it stands in
//! no log and no `Referer`, and a mail filter that opens the link uses nothing
//! up. The page loads nothing, and the policy lets only its own script and
//! style through, by hashes made from the very texts that are sent.

use std::sync::LazyLock;

use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::App;
use super::password::PasswordPolicy;

/// Where the page is.
pub(super) const PATH: &str = "/set-password";

// A label shown as a block would show although it is hidden.
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:30rem;margin:2rem auto;padding:0 1rem}\
[hidden]{display:none!important}label{display:block;margin:1rem 0}\
input{display:block;box-sizing:border-box;width:100%;font:inherit;padding:.4rem}button{font:inherit;padding:.4rem 1rem}";

const SCRIPT: &str = r"
'use strict';
const part = id => document.getElementById(id);
const say = text => { part('said').textContent = text; };
const sentence = text => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');
const sent = location.hash.slice(1);
if (sent) {
  part('code').value = sent;
  part('code-row').hidden = true;
  history.replaceState(null, '', location.pathname);
}
part('form').hidden = false;
part(sent ? 'new' : 'code').focus();
part('form').addEventListener('submit', async event => {
  event.preventDefault();
  const code = part('code').value.trim().split('#').pop();
  const password = part('new').value;
  if (password !== part('again').value) {
    say('The two passwords differ.');
    return;
  }
  part('send').disabled = true;
  say('One moment.');
  try {
    const answer = await fetch('v1/password-links', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ code, new: password }),
      cache: 'no-store',
      credentials: 'omit',
    });
    if (answer.ok) {
      part('form').reset();
      part('form').hidden = true;
      say('Your password is set. Close this page and sign in with it.');
      return;
    }
    const problem = await answer.json().catch(() => ({}));
    const fields = problem.fields || {};
    say(sentence(String(fields.new || fields.code || problem.detail || 'The server gave no reason. Try again in a moment.')));
  } catch {
    say('The server cannot be reached. Try again in a moment.');
  }
  part('send').disabled = false;
});
";

/// Stands in the page for the fewest characters of a password.
const SHORTEST: &str = "\u{1}";

static PAGE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>Set your password</title><style>{STYLE}</style>\
         <h1>Set your password</h1>\
         <noscript><p>This page works with JavaScript only, and it is off. Turn it on and open the link again, or start countertop in a terminal \
         and give it the code: that is the part of the link after the # sign.</p></noscript>\
         <form id=form method=post hidden>\
         <label id=code-row>Code from the mail<input id=code autocomplete=off autocapitalize=off spellcheck=false required></label>\
         <label>New password, at least {SHORTEST} characters<input id=new type=password autocomplete=new-password required></label>\
         <label>The same again<input id=again type=password autocomplete=new-password required></label>\
         <button id=send>Set the password</button></form>\
         <p id=said role=status></p><script>{SCRIPT}</script></html>"
    )
});

static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; script-src {}; style-src {}; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash_of(SCRIPT),
        hash_of(STYLE)
    )
});

/// An inline text as a policy names it.
fn hash_of(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

/// Answers the page, the same for everybody of one dealer. Should the policy be no header,
/// axum answers 500 and not the page without it.
pub(super) async fn serve(State(app): State<App>) -> impl IntoResponse {
    page(app.password_policy)
}

fn page(policy: PasswordPolicy) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, Html(PAGE.replace(SHORTEST, &policy.shortest.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
        text.split_once(before).unwrap().1.split_once(after).unwrap().0
    }

    async fn answered() -> (axum::http::HeaderMap, String) {
        let (parts, body) = page(PasswordPolicy::default()).into_response().into_parts();
        assert_eq!(parts.status, 200);
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        (parts.headers, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_policy_lets_through_what_the_page_holds_and_nothing_else() {
        let (headers, page) = answered().await;
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(policy.contains(&format!("script-src {};", hash_of(between(&page, "<script>", "</script>")))), "{policy}");
        assert!(policy.contains(&format!("style-src {};", hash_of(between(&page, "<style>", "</style>")))), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!((page.matches("<script").count(), page.matches("<style").count()), (1, 1));
        for outside in ["src=", "href=", "url(", "://", " style=", "onclick"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[tokio::test]
    async fn the_page_is_kept_nowhere_and_tells_nobody_where_it_was() {
        let (headers, page) = answered().await;
        for (name, value) in [
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("content-type", "text/html; charset=utf-8"),
        ] {
            assert_eq!(headers[name], value, "{name}");
        }
        assert!(page.contains("<noscript>") && page.contains("at least 8 characters"));
    }

    #[test]
    fn a_hash_is_written_as_browsers_expect_it() {
        // The example of the Content Security Policy specification.
        assert_eq!(hash_of("alert('Hello, world.');"), "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='");
    }
}
